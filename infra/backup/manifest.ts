/** What a backup holds, with the hash of each part: a row that was changed on the way is found before anything is restored. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { CodedError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/sha256.ts";
import { readTextFile } from "../durable-file.ts";

const HEX = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
/** Below the backup's folder; nothing above it. */
export const PATH = v.pipe(v.string(), v.regex(/^(?!.*\.\.)[\w.-]+(\/[\w.-]+)*$/));

const schema = v.strictObject({
  prosper: v.literal("backup"),
  version: v.literal(1),
  /** ISO 8601. */
  madeAt: v.string(),
  pool: v.string(),
  migrations: v.array(v.strictObject({ version: v.number(), name: v.string(), sha256: HEX })),
  /** In the order in which they can be filled: what a row refers to comes before it. */
  tables: v.array(v.strictObject({ name: v.string(), file: PATH, rows: v.number(), sha256: HEX })),
  /** Name and last number given out; null: none was. */
  sequences: v.array(v.strictObject({ name: v.string(), last: v.nullable(v.string()) })),
  /** Of the edge's folder: its identity, keys and journal. */
  edge: v.array(v.strictObject({ file: PATH, sha256: HEX })),
  /** Files of the archive of deltas; none where it was left where it is, and in backups of older versions. */
  archive: v.optional(v.array(v.strictObject({ file: PATH, sha256: HEX })), []),
});

export type Manifest = v.InferOutput<typeof schema>;

/** Folder of the archive's files. */
export const ARCHIVE = "archive";
export const MANIFEST = "manifest.json";

export function formatManifest(manifest: Manifest): { readonly text: string; readonly sha256: string } {
  const text = `${JSON.stringify(manifest, null, 1)}\n`;
  return { text, sha256: sha256Hex(text) };
}

/**
 * Reads the manifest and compares the hash of every file with it, and its own with `sha256`, where that is given: who can change a row can change the
 * manifest too, but not the hash that was noted elsewhere. Throws CodedError `backup-invalid`, naming the file.
 */
export async function readManifest(folder: string, sha256?: string): Promise<Manifest & { sha256: string }> {
  const text = await readTextFile(join(folder, MANIFEST));
  if (text === undefined)
    throw invalid(
      `there is no ${MANIFEST} in ${folder}: the backup was not finished, or this is none`,
      "Name the folder that prosper backup has written",
    );
  const own = sha256Hex(text);
  if (sha256 !== undefined && sha256 !== own)
    throw invalid(
      `${MANIFEST} has the hash ${own} instead of ${sha256}: it is another backup, or was changed`,
    );
  const parsed = v.safeParse(schema, parseJson(text));
  if (!parsed.success) throw invalid(`${MANIFEST} is damaged: ${parsed.issues[0].message}`);
  for (const part of [...parsed.output.tables, ...parsed.output.edge, ...parsed.output.archive]) {
    const got = await hashFile(join(folder, part.file));
    if (got !== part.sha256)
      throw invalid(
        `${part.file} is not what was backed up (${got === undefined ? "it is missing" : `its hash is ${got}`})`,
      );
  }
  return { ...parsed.output, sha256: own };
}

export function invalid(
  why: string,
  cure = "Take another backup, and find out who had this one",
): CodedError {
  return new CodedError("backup-invalid", `nothing was restored: ${why}. ${cure}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined where the file cannot be read. */
export async function hashFile(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}
