/** Roots on the chain: does the pool still say what it wrote, and does the chain follow the seals? */

import { ROOT_PATIENCE_BLOCKS, rootStand } from "../../shared/db/root-entries.ts";
import { databaseCheck, ok, red, skipped, spanText, warn } from "./finding.ts";

export const roots = databaseCheck(
  "roots",
  async (db, { config, isDevnet }) => {
    const { publish, batch } = config.roots;
    const isOn = publish === "on" || (publish === "devnet" && isDevnet);
    const stand = await rootStand(db);
    if (stand !== undefined && stand.wrong.length > 0)
      return [
        red(
          `the chain says something else than the pool of block ${stand.wrong.join(", ")}`,
          "Sealed books were changed, or entries were signed elsewhere with this pool's key: pay nobody, run `prosper audit --replay`, compare with a backup",
        ),
      ];
    if (!isOn) return [skipped(`roots are not written to a chain: roots.publish is ${publish}`)];
    if (stand === undefined)
      return [
        warn("no root was written to the chain yet", "Does the pool run, and has a block been sealed?"),
      ];
    const lateMs =
      (stand.waitingSeconds ?? 0) * 1000 - (batch + ROOT_PATIENCE_BLOCKS) * config.pegnet.blockperiod;
    if (lateMs > 0)
      return [
        warn(
          `${stand.waiting} sealed blocks have no root on the chain, the oldest for ${spanText((stand.waitingSeconds ?? 0) * 1000)}`,
          "Neither seals nor pay wait for it. Entry credits first, then what the log says of roots",
        ),
      ];
    return [
      ok(
        `up to block ${stand.lastHeight ?? "–"} on chain ${stand.chainId}, ${stand.credits} entry credits in the last day`,
      ),
    ];
  },
  { urgent: true },
);
