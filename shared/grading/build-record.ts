/** The content of a new job: what the pool's miners hash and, when they are lucky, what goes on the chain (prosper-pool `engine.createJob`). */

import { fromHex, MAX_U64 } from "../bytes.ts";
import type { OprVersion } from "../opr/assets.ts";
import { encodeOprV1 } from "../opr/codec-v1.ts";
import { encodeOprV2 } from "../opr/codec-v2.ts";
import { priceToFloat } from "../opr/price.ts";
import { oprHash } from "../opr/record.ts";
import { poolContentCheck } from "./pool-content-check.ts";
import { checkPreviousWinners } from "./previous-winners.ts";
import { type ContentRefusal, type Refusal, refuse } from "./validate-content.ts";
import { rulesOf } from "./versions.ts";

export interface OprDraft {
  readonly version: OprVersion;
  /** The block to be mined, not the last one synced. */
  readonly height: number;
  /** FA address that is paid. */
  readonly address: string;
  /** Letters, digits and commas. */
  readonly identity: string;
  /** Short hashes of the last graded block's winners; null or empty where none was graded yet. */
  readonly prevWinners: readonly string[] | null;
  /** 1e-8 USD by asset name; more assets than the version knows do not matter. */
  readonly prices: ReadonlyMap<string, bigint>;
}

export type BuiltOpr =
  | { readonly ok: true; readonly content: Uint8Array; readonly oprHash: Uint8Array }
  | Refusal<ContentRefusal | "asset-range" | "content-format" | "previous-winners" | "height">;

const MAX_HEIGHT = 2 ** 31 - 1;

/**
 * The record that every grader of the block will take, or why there is none.
 * The asset that has no price in its version yet (PNT in V1, PEG in V2) is always written as 0, even if a price is given.
 */
export function buildOpr(draft: OprDraft): BuiltOpr {
  const { version, height } = draft;
  if (!Number.isInteger(height) || height < 0 || height > MAX_HEIGHT)
    return refuse("height", `expected a block height from 0 to ${MAX_HEIGHT}, got ${height}`);
  const previous = checkPreviousWinners(version, height, draft.prevWinners);
  if (!previous.ok) return refuse("previous-winners", previous.reason);
  const prices = orderedPrices(draft);
  if (!prices.ok) return prices;
  const content = encode(draft, previous.winners, prices.prices);
  const checked = poolContentCheck(version, content);
  return checked.ok ? { ok: true, content, oprHash: oprHash(content) } : checked;
}

type OrderedPrices =
  | { readonly ok: true; readonly prices: readonly bigint[] }
  | Refusal<"asset-missing" | "asset-range">;

function orderedPrices({ version, prices }: OprDraft): OrderedPrices {
  const { assets, mayBeZero } = rulesOf(version);
  const ordered: bigint[] = [];
  for (const name of assets) {
    const price = name === mayBeZero ? 0n : prices.get(name);
    if (price === undefined) return refuse("asset-missing", `expected a price of ${name}, got none`);
    if (price < 0n || price > MAX_U64)
      return refuse("asset-range", `expected a price of ${name} from 0 to ${MAX_U64}, got ${price}`);
    ordered.push(price);
  }
  return { ok: true, prices: ordered };
}

function encode(draft: OprDraft, winners: readonly string[], prices: readonly bigint[]): Uint8Array {
  const { address, identity: id, height } = draft;
  const rules = rulesOf(draft.version);
  if (rules.format === "json") {
    const assets = new Map(rules.assets.map((name, i) => [name, priceToFloat(prices[i] ?? 0n)]));
    return encodeOprV1({ address, id, height, winners, assets });
  }
  return encodeOprV2({
    address,
    id,
    height,
    winners: winners.map((winner) => fromHex(winner, "previous winner")),
    assets: prices,
    unknown: new Uint8Array(0),
  });
}
