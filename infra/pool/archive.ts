/** From the configuration to the archive of a pool of one's own. */

import { resolve } from "node:path";
import { folderStore } from "../../shared/archive/folder-store.ts";
import type { ArchiveStore } from "../../shared/archive/store.ts";
import type { Config } from "../config/schema.ts";

/** `dataDir` holds `edge/` and, where the server is the embedded one, `postgres/`. */
export function archiveStore({ archive }: Config, dataDir: string): ArchiveStore {
  return folderStore(resolve(dataDir, archive.folder || "archive"));
}

/** What the janitor needs; undefined where nothing is to be archived. */
export function archiveSettings(
  config: Config,
  dataDir: string,
): { readonly afterMs: number; readonly store: ArchiveStore } | undefined {
  const { after } = config.archive;
  return after === 0 ? undefined : { afterMs: after, store: archiveStore(config, dataDir) };
}
