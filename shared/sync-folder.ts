/** Makes file names durable: a new, renamed or removed file survives a crash once its folder is synced. */

import { open } from "node:fs/promises";

/** Windows has no such call: there a rename is durable with the volume's own journal. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
