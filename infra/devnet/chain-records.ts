/** What the devnet writes to its log: blocks, and at the head of each segment the state before it. */

import { deflateRawSync, inflateRawSync } from "node:zlib";
import * as v from "valibot";
import { concat, u32ToBytes } from "../../shared/bytes.ts";
import { OPR_VERSIONS } from "../../shared/opr/assets.ts";

const HEX = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{2})*$/));
const COUNT = v.pipe(v.number(), v.integer(), v.minValue(0));
const AMOUNT = v.pipe(
  v.string(),
  v.regex(/^\d+$/),
  v.transform((digits) => BigInt(digits)),
);

const CHAIN_TIP = v.object({ chainId: HEX, keyMr: HEX, fullHash: HEX, sequence: COUNT });
const TRANSACTION = v.object({ hash: HEX, executed: v.pipe(v.number(), v.integer()) });

/** One block: enough to write its directory and entry blocks again, and what it did to the books. */
export const BLOCK = v.object({
  type: v.literal("block"),
  height: COUNT,
  timestampMinutes: COUNT,
  prevKeyMr: HEX,
  prevFullHash: HEX,
  keyMr: HEX,
  fullHash: HEX,
  chains: v.array(
    v.object({
      ...CHAIN_TIP.entries,
      prevKeyMr: HEX,
      prevFullHash: HEX,
      entries: v.array(v.object({ hash: HEX, minute: COUNT })),
    }),
  ),
  version: v.nullable(v.picklist(OPR_VERSIONS)),
  /** Short hashes that the next block's OPRs must name; empty before the first graded block. */
  winners: v.array(v.string()),
  /** Who was paid for grading, in 1e-8 PEG. */
  rewards: v.array(v.tuple([v.string(), AMOUNT])),
  transactions: v.array(TRANSACTION),
  /** New PEG balances by FA address. */
  balances: v.array(v.tuple([v.string(), AMOUNT])),
  /** New entry-credit balances by public key. */
  credits: v.array(v.tuple([HEX, COUNT])),
});
export type BlockRecord = v.InferOutput<typeof BLOCK>;

export const STATE_RECORD = v.object({
  type: v.literal("state"),
  height: COUNT,
  keyMr: HEX,
  fullHash: HEX,
  chains: v.array(CHAIN_TIP),
  winners: v.array(v.string()),
  transactions: v.array(v.object({ ...TRANSACTION.entries, height: COUNT, timestampMinutes: COUNT })),
  balances: v.array(v.tuple([v.string(), AMOUNT])),
  credits: v.array(v.tuple([HEX, COUNT])),
});
export type StateRecord = v.InferOutput<typeof STATE_RECORD>;

export const RECORD = v.variant("type", [BLOCK, STATE_RECORD]);

/** The record as JSON data: amounts as decimal strings. */
export function toJson(record: BlockRecord | StateRecord): unknown {
  return JSON.parse(
    JSON.stringify(record, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
  );
}

/** Raw entries in the order of the record's chains, compressed: a miner's entries share their content. */
export function packEntries(raws: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(deflateRawSync(concat(...raws.flatMap((raw) => [u32ToBytes(raw.length), raw]))));
}

export function unpackEntries(body: Uint8Array): readonly Uint8Array[] {
  const bytes = new Uint8Array(inflateRawSync(body));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const raws: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + view.getUint32(at);
    raws.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return raws;
}
