/** How many nonce prefixes one address may be told while a job lasts: a slot has a million of them, and one party must not have them all (docs/design.md, "Vardiff"). */

import { type AddressRanges, addressKey, addressRanges } from "../../shared/ip-address.ts";
import type { StratumSettings } from "./settings.ts";

export class PrefixQuota {
  readonly #limit: number;
  readonly #exempt: AddressRanges;
  readonly #taken = new Map<string, number>();
  #height: number | undefined;

  constructor({ maxPrefixesPerAddress, exemptAddresses }: StratumSettings) {
    this.#limit = maxPrefixesPerAddress;
    this.#exempt = addressRanges("exemptaddresses", exemptAddresses);
  }

  /** A job of another height begins anew. */
  jobIs(height: number): void {
    if (height === this.#height) return;
    this.#height = height;
    this.#taken.clear();
  }

  /** Counts one; false where the address has had all it may. Bounded: an address that is counted took a prefix, of which a slot has no more. */
  take(address: string): boolean {
    if (this.#exempt.has(address)) return true;
    const key = addressKey(address);
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.#limit) return false;
    this.#taken.set(key, taken + 1);
    return true;
  }
}
