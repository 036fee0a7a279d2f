/** The rules for an OPR's content by version, apart from the block it is written for (pegnet `modules/grader`). */

import { parseAddress } from "../factom/address.ts";
import type { JsonOpr, ProtobufOpr } from "../opr/record.ts";
import type { VersionRules } from "./versions.ts";

export type ContentRefusal =
  | "asset-missing"
  | "asset-count"
  | "asset-zero"
  | "winner-count"
  | "address"
  | "identity";

export interface Refusal<Code extends string> {
  readonly ok: false;
  readonly code: Code;
  readonly reason: string;
}

const IDENTITY = /^[a-zA-Z0-9,]+$/;

export function refuse<Code extends string>(code: Code, reason: string): Refusal<Code> {
  return { ok: false, code, reason };
}

/** V1: all assets there and priced; negative prices, any address and any name pass, as on mainnet. */
export function checkJson(opr: JsonOpr, rules: VersionRules): Refusal<ContentRefusal> | undefined {
  for (const name of rules.assets) {
    const price = opr.assets?.get(name);
    if (price === undefined) return refuse("asset-missing", `expected a price of ${name}, got none`);
    if (price === 0 && name !== rules.mayBeZero) return zeroPrice(name);
  }
  return undefined;
}

/** V2 to V5: all assets priced, the right number of winners, a payable address, a plain name. */
export function checkProtobuf(opr: ProtobufOpr, rules: VersionRules): Refusal<ContentRefusal> | undefined {
  if (opr.assets.length !== rules.assets.length)
    return refuse("asset-count", `expected ${rules.assets.length} assets, got ${opr.assets.length}`);
  for (const [i, name] of rules.assets.entries()) {
    if (opr.assets[i] === 0n && name !== rules.mayBeZero) return zeroPrice(name);
  }
  if (!rules.previousWinnerCounts.includes(opr.winners.length)) {
    const counts = rules.previousWinnerCounts.join(" or ");
    return refuse("winner-count", `expected ${counts} previous winners, got ${opr.winners.length}`);
  }
  const address = parseAddress("FA", opr.address);
  if (!address.ok) {
    const got = JSON.stringify(opr.address.slice(0, 60));
    return refuse("address", `expected an FA address, got ${got} (wrong ${address.reason})`);
  }
  if (!IDENTITY.test(opr.id)) {
    const got = JSON.stringify(opr.id.slice(0, 60));
    return refuse("identity", `expected letters, digits and commas as the identity, got ${got}`);
  }
  return undefined;
}

function zeroPrice(name: string): Refusal<ContentRefusal> {
  return refuse("asset-zero", `expected a price of ${name} other than 0, got 0`);
}
