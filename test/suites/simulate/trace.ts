/** All that happens in a schedule, line by line: two runs of a seed have the same. */

import { createHash } from "node:crypto";

export class Trace {
  readonly #digest = createHash("sha256");
  /** For people who look at one seed. */
  log: ((line: string) => void) | undefined;

  add(text: string): void {
    this.#digest.update(`${text}\n`);
    this.log?.(text);
  }

  /** What is done to the parts, not by them. */
  note(text: string): void {
    this.add(`* ${text}`);
  }

  /** 16 hex digits of all lines so far. */
  digest(): string {
    return this.#digest.copy().digest("hex").slice(0, 16);
  }
}
