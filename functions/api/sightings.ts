/** Where the API learns what became of connections: from the edge in the same process, or from what the edges wrote (docs/decisions/connect-codes.md). */

import type { Sighted, SightedBy } from "../../shared/messages/sighted.ts";

export interface SightingsReader {
  /** Those that brought the code and, without any code, those from the address; of each the newest last. */
  look(by: SightedBy): Promise<readonly Sighted[]>;
}
