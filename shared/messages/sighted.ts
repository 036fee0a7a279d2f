/** What an edge saw of a connection until its first share. Times are wall milliseconds; null: not yet. */

import * as v from "valibot";
import { addressKey, withoutMapping } from "../ip-address.ts";

const at = v.nullable(v.number());
const text = v.nullable(v.string());

export const sighted = v.object({
  connectedMs: v.number(),
  subscribedMs: at,
  loggedInMs: at,
  /** Of its table, while it makes one and tells. */
  tablePercent: v.nullable(v.number()),
  sharedMs: at,
  endedMs: at,
  user: text,
  worker: text,
  /** The connect code that it brought. */
  code: text,
  /** What went wrong last. */
  problem: v.nullable(v.object({ code: v.string(), words: v.string() })),
});

export type Sighted = v.InferOutput<typeof sighted>;

/** Whose connections are asked for. */
export interface SightedBy {
  readonly code: string;
  /** The placeKey of the asking page's address. */
  readonly place: string;
}

/** What an address counts as: the machine itself has several. */
export function placeKey(address: string): string {
  const plain = withoutMapping(address);
  return plain === "::1" || plain.startsWith("127.") ? "this machine" : addressKey(plain);
}
