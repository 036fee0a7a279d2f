/** The LXR table of several edge processes: one in memory for all where the machine can share it, else one each (shared/hash/table-memory.ts). */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import { tablePath } from "../../shared/hash/table-file.ts";
import { canShareTables } from "../../shared/hash/table-memory.ts";
import type { Config } from "../config/schema.ts";

/** `shared`: for other processes too, where the machine can. */
export type OpenTable = (bits: number, shared?: boolean) => Promise<SharedTable>;

/**
 * Resolves to the table that they share: its `file` is where they find it. Undefined, or without one: each reads its own, whose file is there. Making it
 * takes minutes at 30 bits: once, here.
 */
export async function tableForProcesses(
  { app, pegnet }: Config,
  openTable: OpenTable,
): Promise<SharedTable | undefined> {
  if (await canShareTables()) return openTable(pegnet.lxrbits, true);
  const folder = app.tabledir === "" ? join(homedir(), ".lxrhash") : app.tabledir;
  if (!existsSync(tablePath(folder, pegnet.lxrbits))) await openTable(pegnet.lxrbits);
  return undefined;
}
