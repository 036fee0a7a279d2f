/** Gives out the nonce prefixes of a recording: its clients took no notice of those they were given. */

import { Prefixes } from "../../edge/shares/prefixes.ts";

/** Of no recording: for sessions whose prefix no recorded share begins with. */
const FIRST_OWN = 0xfff0_0000;

export class RecordedPrefixes extends Prefixes {
  /** What the next grant gets; undefined: one of its own. */
  upcoming: number | undefined;
  #own = FIRST_OWN;

  constructor() {
    super({ order: (n) => n });
  }

  protected override fresh(): number | undefined {
    const prefix = this.upcoming ?? this.#own++;
    this.upcoming = undefined;
    return prefix;
  }
}
