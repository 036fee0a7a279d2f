/** The LXR table that shares are checked with. */

import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { tablePath } from "../../shared/hash/table-file.ts";
import { type Check, ok, red, sizeText, skipped, warn } from "./finding.ts";

/** Smaller ones are made at each start. */
const KEPT_BITS = 20;

export const table: Check = {
  name: "table",
  async look({ config, isDevnet }) {
    const bits = config.pegnet.lxrbits;
    if (isDevnet) return [skipped("a devnet's table is made at each start")];
    if (bits !== 30 && config.pegnet.activation < 0)
      return [
        red(`pegnet.lxrbits is ${bits}, but the real network hashes with 30`, "Set pegnet.lxrbits to 30"),
      ];
    if (bits <= KEPT_BITS) return [skipped("so small a table is made at each start")];
    const path = tablePath(config.app.tabledir || join(homedir(), ".lxrhash"), bits);
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size === undefined)
      return [
        warn(
          `there is no table at ${path}: it is made at the first start, in 10 to 15 minutes`,
          `echo | npx prosper hash --bits ${bits}`,
        ),
      ];
    if (size !== 2 ** bits)
      return [
        red(`${path} has ${size} bytes instead of ${2 ** bits}`, `rm ${path}; the next start makes it anew`),
      ];
    return [ok(`${sizeText(size)} at ${path}; each start compares its hash`)];
  },
};
