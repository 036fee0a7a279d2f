/** What a devnet pool keeps in its data folder besides books and journal: its keys, and where its parts listen while it runs. */

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Random } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";
import { encodeAddress } from "../../shared/factom/address.ts";
import { writeFileDurably } from "../durable-file.ts";

const keysSchema = v.object({
  ...{ fs: v.string(), es: v.string(), miner: v.string() },
  /** Folders of earlier versions have none. */
  guest: v.optional(v.string()),
});
const endpointsSchema = v.object({ factomd: v.string() });

/**
 * Secret keys made for one devnet: worthless anywhere else. `miner` receives what the local miner earns. The
 * address of `guest` stands in the printed command that connects another miner.
 */
export type DevnetKeys = v.InferOutput<typeof keysSchema>;

const keysFile = (dataDir: string): string => join(dataDir, "keys.json");
const endpointsFile = (dataDir: string): string => join(dataDir, "endpoints.json");

/** The keys, made at the first start. The folder must be locked. */
export async function ensureDevnetKeys(dataDir: string, random: Random): Promise<DevnetKeys> {
  mkdirSync(dataDir, { recursive: true });
  const file = keysFile(dataDir);
  if (existsSync(file)) return readJson(file, keysSchema);
  const keys = {
    fs: encodeAddress("Fs", random(32)),
    es: encodeAddress("Es", random(32)),
    miner: encodeAddress("Fs", random(32)),
    guest: encodeAddress("Fs", random(32)),
  };
  await writeFileDurably(file, `${JSON.stringify(keys, null, 2)}\n`);
  return keys;
}

/** Written at every start, since a port may be picked anew. */
export async function writeEndpoints(dataDir: string, endpoints: { factomd: string }): Promise<void> {
  await writeFileDurably(endpointsFile(dataDir), `${JSON.stringify(endpoints)}\n`);
}

/** The devnet pool of a data folder, or undefined where there is none. */
export function readDevnetPool(dataDir: string): { keys: DevnetKeys; factomd: string } | undefined {
  if (!existsSync(keysFile(dataDir)) || !existsSync(endpointsFile(dataDir))) return undefined;
  return {
    keys: readJson(keysFile(dataDir), keysSchema),
    ...readJson(endpointsFile(dataDir), endpointsSchema),
  };
}

function readJson<Schema extends v.GenericSchema>(file: string, schema: Schema): v.InferOutput<Schema> {
  const text = readFileSync(file, "utf8");
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    // Without the cause, which would hold the keys of the file.
    throw new CodedError(
      "data-dir",
      `${file} is damaged: restore it, or start afresh with another --data-dir`,
    );
  }
}
