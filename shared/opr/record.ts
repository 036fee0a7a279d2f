/** The oracle price record in its two wire forms: JSON (V1) and protobuf (V2 to V5) (pegnet `modules/opr`). */

import { toHex } from "../bytes.ts";
import { sha256 } from "../sha256.ts";
import { priceToFloat } from "./price.ts";

/** V1. Text may hold lone surrogates for bytes that are not UTF-8 (`byte-text.ts`). */
export interface JsonOpr {
  readonly format: "json";
  /** FA address that is paid; V1 never checks it. */
  readonly address: string;
  /** The miner's name. */
  readonly id: string;
  /** Signed 32 bits. */
  readonly height: number;
  /** Short hashes of the previous block's winners, null where the JSON has none. */
  readonly winners: readonly string[] | null;
  /** USD by asset name, unknown names included; null where the JSON has none. */
  readonly assets: ReadonlyMap<string, number> | null;
}

/** V2 to V5: one message, longer asset lists. */
export interface ProtobufOpr {
  readonly format: "protobuf";
  readonly address: string;
  readonly id: string;
  /** Signed 32 bits. */
  readonly height: number;
  /** Short hashes of the previous block's winners: 8 bytes each, or all empty. */
  readonly winners: readonly Uint8Array[];
  /** 1e-8 USD, in the order of `assetsOf`. */
  readonly assets: readonly bigint[];
  /** Fields this message does not know, as they came: they are part of the oprHash. */
  readonly unknown: Uint8Array;
}

export type Opr = JsonOpr | ProtobufOpr;

/** What a parser of foreign bytes answers: the value, or why it is none. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

/** sha256 of the content: what miners hash together with their nonce. */
export function oprHash(content: Uint8Array): Uint8Array {
  return sha256(content);
}

/** Short hashes of the previous winners as text, none as an empty list. */
export function previousWinners(opr: Opr): readonly string[] {
  return opr.format === "json" ? (opr.winners ?? []) : opr.winners.map(toHex);
}

/** USD prices in the order of `names` (the version's assets); a missing one is 0, as in the reference. */
export function floatPrices(opr: Opr, names: readonly string[]): Float64Array {
  return opr.format === "json"
    ? Float64Array.from(names, (name) => opr.assets?.get(name) ?? 0)
    : Float64Array.from(names, (_, i) => priceToFloat(opr.assets[i] ?? 0n));
}

/** First 8 bytes of an entry hash in hex: how a winner is named in the next block. */
export function shortHash(entryHash: Uint8Array): string {
  return toHex(entryHash.subarray(0, 8));
}
