/** What a machine that pays remembers in its data folder: whose payouts it signs, and where it has paid each user. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { CodedError } from "../../../shared/errors.ts";
import { parseJson } from "../../../shared/json-source.ts";
import { readTextFile, writeFileDurably } from "../../durable-file.ts";

const FILE = "payout-signing.json";

const memorySchema = v.strictObject({
  version: v.literal(1),
  /** The pool's public key, 64 hex digits; "" before the first payout. */
  poolKey: v.pipe(v.string(), v.regex(/^([0-9a-f]{64})?$/)),
  /** User → the address of the last payment. */
  paidAt: v.record(v.string(), v.string()),
});
export type Memory = Omit<v.InferOutput<typeof memorySchema>, "version">;

export function memoryFile(folder: string): string {
  return join(folder, FILE);
}

/** Throws CodedError `payout-memory`. */
export async function readMemory(folder: string): Promise<Memory> {
  const text = await readTextFile(memoryFile(folder));
  if (text === undefined) return { poolKey: "", paidAt: {} };
  const parsed = v.safeParse(memorySchema, parseJson(text));
  if (parsed.success) return parsed.output;
  throw new CodedError(
    "payout-memory",
    `${memoryFile(folder)} is damaged: restore it, or remove it to be asked for the pool's key again; every address then counts as new`,
  );
}

export async function writeMemory(folder: string, { poolKey, paidAt }: Memory): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileDurably(memoryFile(folder), `${JSON.stringify({ version: 1, poolKey, paidAt })}\n`);
}

/** The memory with the addresses of these payments in it. */
export function remember(
  memory: Memory,
  paid: readonly { readonly user: string; readonly address: string }[],
): Memory {
  const added = Object.fromEntries(paid.map(({ user, address }) => [user, address]));
  return { ...memory, paidAt: { ...memory.paidAt, ...added } };
}
