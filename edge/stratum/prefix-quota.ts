/**
 * How many nonce prefixes one address may get during one job. A slot has about a million of them, and one party must not get them all
 * (docs/design.md, "Vardiff").
 */

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

  /** For a job of another height, counting begins anew. */
  jobIs(height: number): void {
    if (height === this.#height) return;
    this.#height = height;
    this.#taken.clear();
  }

  /**
   * Counts one prefix; false if the address has already had all that it may. The memory is limited: each address that is counted took a prefix, and a
   * slot has a limited number of those.
   */
  take(address: string): boolean {
    if (this.#exempt.has(address)) return true;
    const key = addressKey(address);
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.#limit) return false;
    this.#taken.set(key, taken + 1);
    return true;
  }
}
