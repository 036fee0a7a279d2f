/**
 * A backup as numbered parts of a few megabytes, which a bucket takes as well as a folder, encrypted where a key is named. A part is one piece of one
 * file, the first is the list of files; what stands in the open tells neither names nor rows. The header comes last: without it there is no backup.
 */

import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import type { ArchiveStore } from "../../shared/archive/store.ts";
import { CodedError } from "../../shared/errors.ts";
import { type Cipher, openWith, type Sealed, sealFor } from "./backup-key.ts";
import { invalid, PATH } from "./manifest.ts";

const HEADER = "backup.json";
/** A line of a few megabits sends one within the time of a call. */
const PART_BYTES = 4 * 2 ** 20;

const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const headerForm = v.strictObject({
  prosper: v.literal("packed-backup"),
  version: v.literal(1),
  /** Begins the name of each part: what an earlier try has left is never taken for one of this. */
  id: hex(16),
  sealed: v.nullable(v.strictObject({ to: hex(64), by: hex(64) })),
});
const listForm = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(v.strictObject({ file: PATH, bytes: v.pipe(v.number(), v.integer(), v.minValue(0)) })),
);

const nameOf = (id: string, part: number): string => `${id}-${String(part).padStart(6, "0")}`;
const asItIs: Cipher = (_part, bytes) => bytes;

/** Whether there is a whole one. */
export async function isPacked(store: ArchiveStore): Promise<boolean> {
  return (await store.get(HEADER)) !== undefined;
}

/** Sends the folder's files; resolves to how many parts they are. Throws CodedErrors `backup-exists`, `backup-key`. */
export async function packBackup(
  folder: string,
  to: ArchiveStore,
  publicKey: string | undefined,
): Promise<number> {
  const { sealed, seal }: { sealed: Sealed | null; seal: Cipher } =
    publicKey === undefined ? { sealed: null, seal: asItIs } : sealFor(publicKey);
  if (await isPacked(to))
    throw new CodedError("backup-exists", `${to.place} has a backup already: name another place`);
  const id = randomBytes(8).toString("hex");
  const files = await filesBelow(folder);
  let parts = 0;
  const put = async (bytes: Uint8Array): Promise<void> => {
    await to.put(nameOf(id, parts), seal(parts, bytes));
    parts += 1;
  };
  await put(Buffer.from(JSON.stringify(files)));
  for (const { file, bytes } of files) {
    const from = await open(join(folder, file));
    try {
      for (let done = 0; done < bytes; ) {
        const piece = Buffer.alloc(Math.min(PART_BYTES, bytes - done));
        const { bytesRead } = await from.read(piece, 0, piece.length, done);
        if (bytesRead === 0) throw new Error(`${file} became shorter while it was read`);
        await put(piece.subarray(0, bytesRead));
        done += bytesRead;
      }
    } finally {
      await from.close();
    }
  }
  const header = { prosper: "packed-backup", version: 1, id, sealed };
  await to.put(HEADER, Buffer.from(`${JSON.stringify(header)}\n`));
  return parts;
}

/** Makes the folder again; its manifest then tells whether it is what was backed up. Throws CodedErrors `backup-invalid`, `backup-key`. */
export async function unpackBackup(
  from: ArchiveStore,
  folder: string,
  secretKey: string | undefined,
): Promise<void> {
  const { id, sealed } = readHeader(await from.get(HEADER), from.place);
  if (sealed !== null && secretKey === undefined)
    throw new CodedError(
      "backup-key",
      `${from.place} is encrypted to backup-public-${sealed.to}: name the file of its secret key with --key-file`,
    );
  const unseal = sealed === null || secretKey === undefined ? asItIs : openWith(secretKey, sealed);
  let part = 0;
  const take = async (): Promise<Uint8Array> => {
    const name = nameOf(id, part);
    const bytes = await from.get(name);
    if (bytes === undefined) throw invalid(`${name} is missing in ${from.place}`);
    try {
      return unseal(part++, bytes);
    } catch {
      throw invalid(`${name} is not what was encrypted`);
    }
  };
  const list = v.safeParse(listForm, Buffer.from(await take()).toString("utf8"));
  if (!list.success) throw invalid(`the list of files in ${from.place} is damaged`);
  for (const { file, bytes } of list.output) {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const to = await open(path, "wx", 0o600);
    try {
      for (let done = 0; done < bytes; ) {
        const piece = await take();
        if (piece.length === 0 || done + piece.length > bytes) throw invalid(`${file} has not its length`);
        await to.writeFile(piece);
        done += piece.length;
      }
    } finally {
      await to.close();
    }
  }
}

function readHeader(bytes: Uint8Array | undefined, place: string): v.InferOutput<typeof headerForm> {
  if (bytes === undefined)
    throw invalid(`there is no ${HEADER} in ${place}: it was not finished, or this is none`);
  const parsed = v.safeParse(
    v.pipe(v.string(), v.parseJson(), headerForm),
    Buffer.from(bytes).toString("utf8"),
  );
  if (!parsed.success) throw invalid(`${HEADER} in ${place} is damaged: ${parsed.issues[0].message}`);
  return parsed.output;
}

async function filesBelow(folder: string): Promise<{ file: string; bytes: number }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Promise.all(
    files.toSorted().map(async (path) => ({
      file: path.slice(folder.length + 1).replaceAll("\\", "/"),
      bytes: (await stat(path)).size,
    })),
  );
}
