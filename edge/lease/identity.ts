/** The edge's lasting name, kept in its data folder: by it a restarted edge retakes its own slot and leases at once. */

import { join } from "node:path";
import { toHex } from "../../shared/bytes.ts";
import type { Random } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Disk } from "../journal/disk.ts";

const FILE = "edge-id";
const FORM = /^[0-9a-f]{32}\n$/;

/** The name, made at the first start. The folder must be locked. Throws CodedError `edge-id` when the file holds something else. */
export async function edgeIdentity(
  folder: string,
  modules: { readonly disk: Disk; readonly random: Random },
): Promise<string> {
  const { disk } = modules;
  await disk.makeFolder(folder);
  const path = join(folder, FILE);
  if ((await disk.list(folder)).includes(FILE)) {
    const text = new TextDecoder().decode(await disk.read(path));
    if (FORM.test(text)) return text.trim();
    throw new CodedError(
      "edge-id",
      `${path}: expected 32 hex digits and a newline, got ${JSON.stringify(text.slice(0, 80))}: restore it, or remove it to become a ` +
        "new edge (the shares in this folder's journal are credited all the same)",
    );
  }
  const id = toHex(modules.random(16));
  const file = await disk.create(`${path}.new`);
  await file.append(new TextEncoder().encode(`${id}\n`));
  await file.sync();
  await file.close();
  await disk.rename(`${path}.new`, path);
  await disk.syncFolder(folder);
  return id;
}
