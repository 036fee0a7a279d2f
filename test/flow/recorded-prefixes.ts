/** Gives out the nonce prefix that the next recorded share begins with: the recorded clients took no notice of the one they were given. */

import { Prefixes } from "../../edge/shares/prefixes.ts";

export class RecordedPrefixes extends Prefixes {
  /** What the next lease gets; undefined: one of this edge's slot. */
  next: number | undefined;

  override lease(): number | undefined {
    const prefix = this.next ?? super.lease();
    this.next = undefined;
    return prefix;
  }
}
