/** From the configuration to the archive of a pool of one's own. */

import { resolve } from "node:path";
import { folderStore } from "../../shared/archive/folder-store.ts";
import type { ArchiveStore } from "../../shared/archive/store.ts";
import type { Config } from "../config/schema.ts";

/** `dataDir` holds `edge/` and, where the server is the embedded one, `postgres/`. */
export function archiveStore(config: Config, dataDir: string): ArchiveStore {
  const { folder } = config.archive;
  return storeAt(isBucket(folder) ? folder : resolve(dataDir, folder || "archive"), config);
}

export const isBucket = (place: string): boolean => place.startsWith("s3:");

/** A folder, or a bucket (`s3://…`) of the archive's region and endpoint. */
export function storeAt(place: string, { archive }: Pick<Config, "archive">): ArchiveStore {
  return isBucket(place) ? bucketStore({ ...archive, folder: place }) : folderStore(place);
}

/** What signs calls is loaded with the first one. */
function bucketStore({ folder, region, endpoint }: Config["archive"]): ArchiveStore {
  const open = async (): Promise<ArchiveStore> => {
    const { s3Store } = await import("../../shared/archive/s3-store.ts");
    return s3Store(folder, { region, endpoint: endpoint === "" ? undefined : endpoint });
  };
  return {
    place: folder,
    put: async (name, bytes) => (await open()).put(name, bytes),
    get: async (name) => (await open()).get(name),
  };
}

/** What the janitor needs; undefined where nothing is to be archived. */
export function archiveSettings(
  config: Config,
  dataDir: string,
): { readonly afterMs: number; readonly store: ArchiveStore } | undefined {
  const { after } = config.archive;
  return after === 0 ? undefined : { afterMs: after, store: archiveStore(config, dataDir) };
}
