/**
 * What `initdb` made, kept in one file, so that the next new cluster is written in a fifth of its CPU time. It holds no rows of anybody's: it is taken
 * before the server's first start.
 */

import { createHash, randomBytes } from "node:crypto";
import {
  chownSync,
  closeSync,
  existsSync,
  globSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { deserialize, serialize } from "node:v8";
import * as v from "valibot";

/** Beside Node's compiled code: it goes with the packages (docs/decisions/start.md). */
const FOLDER = join(import.meta.dirname, "../../node_modules/.cache/prosper");
const PREFIX = "postgres-";
const SUM_BYTES = 32;
const ZEROS = Buffer.alloc(1 << 20);

/** In the order in which they are made. */
const template = v.object({
  /** Of the superuser, until a cluster's first start gives it one of its own. */
  password: v.string(),
  /** Below the cluster's folder. */
  folders: v.array(v.string()),
  files: v.array(
    v.object({
      path: v.string(),
      /** All of it but the zeros at its end. */
      bytes: v.instance(Uint8Array),
      length: v.number(),
    }),
  ),
});

/** `made`: all that decides what `initdb` makes. Another one has another file. */
export function templatePath(made: readonly string[], folder: string = FOLDER): string {
  const sum = createHash("sha256").update(JSON.stringify(made)).digest("hex").slice(0, 16);
  return join(folder, `${PREFIX}${sum}`);
}

/** Keeps the cluster in `data`, which has not been started yet, instead of earlier ones. A folder that cannot be written keeps nothing. */
export function keepTemplate(path: string, data: string, password: string): void {
  const unfinished = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const body = serialize({ password, ...readCluster(data) });
    writeFileSync(unfinished, Buffer.concat([sumOf(body), body]), { mode: 0o600 });
    for (const old of globSync(join(dirname(path), `${PREFIX}*`)))
      if (/^postgres-[0-9a-f]{16}$/.test(basename(old))) rmSync(old, { force: true });
    renameSync(unfinished, path);
  } catch {
    if (existsSync(unfinished)) rmSync(unfinished);
  }
}

/** Writes the cluster kept at `path` into `data`, an empty folder, and returns its superuser's password; undefined where none is kept whole. */
export function restoreTemplate(
  path: string,
  data: string,
  user: { readonly uid: number; readonly gid: number } | undefined,
): string | undefined {
  const kept = readTemplate(path);
  if (kept === undefined) return undefined;
  const own = (at: string): void => {
    if (user !== undefined) chownSync(at, user.uid, user.gid);
  };
  for (const folder of kept.folders) {
    mkdirSync(join(data, folder), { mode: 0o700 });
    own(join(data, folder));
  }
  for (const { path: file, bytes, length } of kept.files) {
    const at = join(data, file);
    const handle = openSync(at, "wx", 0o600);
    writeFileSync(handle, bytes);
    // Written, not left as a hole: a disk without room must be noticed now.
    for (let left = length - bytes.length; left > 0; left -= ZEROS.length)
      writeFileSync(handle, ZEROS.subarray(0, left));
    closeSync(handle);
    own(at);
  }
  return kept.password;
}

function readTemplate(path: string): v.InferOutput<typeof template> | undefined {
  try {
    const whole = readFileSync(path);
    const body = whole.subarray(SUM_BYTES);
    // A machine that lost its power may have kept the name and not the bytes.
    if (!sumOf(body).equals(whole.subarray(0, SUM_BYTES))) return undefined;
    return v.parse(template, deserialize(body));
  } catch {
    return undefined;
  }
}

function readCluster(data: string): Omit<v.InferOutput<typeof template>, "password"> {
  const entries = readdirSync(data, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, path: relative(data, join(entry.parentPath, entry.name)) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  // The three databases of a new cluster are the same, and equal bytes are written once.
  const known = new Map<string, Buffer<ArrayBuffer>>();
  const once = (bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> => {
    const sum = sumOf(bytes).toString("latin1");
    const same = known.get(sum) ?? bytes;
    known.set(sum, same);
    return same;
  };
  return {
    folders: entries.flatMap(({ entry, path }) => (entry.isDirectory() ? [path] : [])),
    files: entries.flatMap(({ entry, path }) => {
      if (!entry.isFile()) return [];
      const bytes = readFileSync(join(data, path));
      return [{ path, bytes: once(withoutZeros(bytes)), length: bytes.length }];
    }),
  };
}

function withoutZeros(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.subarray(0, end);
}

function sumOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
