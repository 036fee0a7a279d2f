/** One payout command in a process of its own that ends itself by SIGKILL at the call it is told: `payout-child.ts {"url",…}`. */

import * as v from "valibot";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { createPegnetd } from "../../../shared/factom/pegnetd.ts";
import { killer } from "./kill.ts";
import { runStep } from "./payout-steps.ts";

const told = v.parse(
  v.object({
    database: v.string(),
    factomd: v.string(),
    pegnetd: v.string(),
    folder: v.string(),
    step: v.picklist(["prepare", "sign", "send", "confirm", "list", "pay", "record"]),
    /** The devnet's time: the salt must fit it. */
    wallMs: v.number(),
    kill: v.optional(v.object({ call: v.number(), side: v.picklist(["before", "after"]) })),
  }),
  JSON.parse(process.argv[2] ?? ""),
);
const clock = { ...systemClock, wallMs: () => told.wallMs };
const modules = { fetch, clock: systemClock, random: systemRandom };
const deadly = killer(told.kill, () => {
  process.kill(process.pid, "SIGKILL");
  throw new Error("not reached");
});
const db = openPg({ url: told.database, size: 2 });
await runStep(told.step, told.folder, {
  db: deadly.db(db),
  factomd: deadly.factomd(createFactomd({ url: told.factomd, timeoutMs: 5_000 }, modules)),
  pegnetd: createPegnetd({ url: told.pegnetd, timeoutMs: 5_000 }, modules),
  clock,
});
await db.close();
