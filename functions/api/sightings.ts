/** Where the API learns what became of connections: from the edge in the same process, or from what the edges wrote (docs/decisions/connect-codes.md). */

import { lookForMiner } from "../../shared/db/connect-watches.ts";
import type { Db } from "../../shared/db/port.ts";
import type { Sighted, SightedBy } from "../../shared/messages/sighted.ts";

export interface SightingsReader {
  /** Those that brought the code and, without any code, those from the address; of each the newest last. Undefined: nobody looks out for it. */
  look(by: SightedBy): Promise<readonly Sighted[] | undefined>;
}

/** Of edges elsewhere, which write what open pages ask for (edge/page-sightings.ts). */
export function writtenSightings(db: Db): SightingsReader {
  return { look: (by) => lookForMiner(db, by) };
}
