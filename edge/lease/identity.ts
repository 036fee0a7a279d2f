/** The edge's permanent name, kept in its data folder. With it a restarted edge takes its own slot and leases back at once. */

import type { Random } from "../../shared/clock.ts";
import type { Disk } from "../journal/disk.ts";
import { keptHex } from "./kept-hex.ts";

/** The name, made at the first start. The folder must be locked. Throws CodedError `edge-id` when the file holds something else. */
export function edgeIdentity(
  folder: string,
  modules: { readonly disk: Disk; readonly random: Random },
): Promise<string> {
  const otherwise =
    "remove it to become a new edge (the shares in this folder's journal are credited all the same)";
  return keptHex({ folder, file: "edge-id", bytes: 16, code: "edge-id", otherwise }, modules);
}
