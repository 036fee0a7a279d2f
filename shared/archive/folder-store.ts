/** The archive in a folder. */

import { randomUUID } from "node:crypto";
import { access, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { syncFolder } from "../sync-folder.ts";
import type { ArchiveStore } from "./store.ts";

/** Makes the folder when the first file comes. */
export function folderStore(folder: string): ArchiveStore {
  return {
    place: folder,
    async put(name, bytes) {
      const path = join(folder, name);
      if (await exists(path)) return;
      await makeFolder(dirname(path));
      // Others may write the same file, in this process or in another container whose processes have the same numbers: each has one of its own until it is whole.
      const half = `${path}.${randomUUID()}.unfinished`;
      const file = await open(half, "w", 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } catch (error) {
        await rm(half, { force: true }).catch(() => undefined);
        throw error;
      } finally {
        await file.close();
      }
      await rename(half, path);
      await syncFolder(dirname(path));
    },
    get: (name) =>
      readFile(join(folder, name)).catch((thrown: unknown) => {
        if (isMissing(thrown)) return undefined;
        throw thrown;
      }),
  };
}

/** Each folder that is made is in its parent for good. */
async function makeFolder(path: string): Promise<void> {
  const topmost = await mkdir(path, { recursive: true, mode: 0o700 });
  if (topmost === undefined) return;
  const stop = dirname(resolve(topmost));
  for (let made = resolve(path); made !== stop; made = dirname(made)) await syncFolder(dirname(made));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}
