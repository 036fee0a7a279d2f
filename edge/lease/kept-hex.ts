/** A random value that a folder keeps from its first use on. It is durable before anybody learns of it. */

import { join } from "node:path";
import { toHex } from "../../shared/bytes.ts";
import type { Random } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Disk } from "../journal/disk.ts";

export interface KeptHexOptions {
  /** Locked by the caller (folder-lock.ts). */
  readonly folder: string;
  readonly file: string;
  readonly bytes: number;
  /** The code of the error if the file holds something else. */
  readonly code: string;
  /** What to do then. */
  readonly otherwise: string;
}

/** Lower-case hex. Throws CodedError `options.code`. */
export async function keptHex(
  options: KeptHexOptions,
  modules: { readonly disk: Disk; readonly random: Random },
): Promise<string> {
  const { disk } = modules;
  const { folder, file, bytes } = options;
  await disk.makeFolder(folder);
  const path = join(folder, file);
  if ((await disk.list(folder)).includes(file)) {
    const text = new TextDecoder().decode(await disk.read(path));
    if (new RegExp(`^[0-9a-f]{${2 * bytes}}\n$`).test(text)) return text.trim();
    throw new CodedError(
      options.code,
      `${path}: expected ${2 * bytes} hex digits and a newline, got ${text.length} other characters: restore it, or ${options.otherwise}`,
    );
  }
  const hex = toHex(modules.random(bytes));
  const made = await disk.create(`${path}.new`);
  await made.append(new TextEncoder().encode(`${hex}\n`));
  await made.sync();
  await made.close();
  await disk.rename(`${path}.new`, path);
  await disk.syncFolder(folder);
  return hex;
}
