/** Does a miner get in from outside, and its share into the books? */

import { lastProbe, type ProbeStep } from "../../shared/db/canary.ts";
import { maintenanceLeftMs } from "../../shared/db/notices.ts";
import { databaseCheck, ok, red, skipped, spanText, warn } from "./finding.ts";

const LATE_LOOKS = 3;

const CURES: Readonly<Record<ProbeStep, string>> = {
  connect:
    "Does the pool run (`ports`), and does its public port lead here: name, firewall, balancer? Correct canary.address where only that is wrong",
  login:
    "Is canary.user an account of this pool (the page /register makes one), no administrator's, and not barred? Else see `database`",
  job: "There is no job: see `factomd` and `prices`",
  share: "The pool gave no job, prefix or target to mine with: read its log",
  answer: "The share was refused or not answered: see `journal`, `database` and the pool's log",
  row: "What was acknowledged does not reach the books: see `late work`, `dead letters` and `database`",
};

export const canary = databaseCheck(
  "canary",
  async (db, { config, clock }) => {
    const { user, every } = config.canary;
    if (user === "")
      return [skipped("no canary.user is set: nothing measures this pool from outside, as a miner does")];
    const stoppedMs = (await maintenanceLeftMs(db)) ?? Number.NEGATIVE_INFINITY;
    if (stoppedMs > 0) return [skipped("it rests: the miners are stopped for maintenance")];
    const last = await lastProbe(db);
    if (last === undefined)
      return [
        warn("it has not looked yet", "A pool that runs by this configuration looks once it has started"),
      ];
    const agoMs = clock.wallMs() - last.atMs;
    if (Math.min(agoMs, -stoppedMs) > LATE_LOOKS * every)
      return [red(`it looked ${spanText(agoMs)} ago`, "Start the pool: npx prosper edge")];
    if (last.failedAt !== null)
      return [
        red(`it failed at its ${last.failedAt}, ${spanText(agoMs)} ago: ${last.words}`, CURES[last.failedAt]),
      ];
    const { connectMs, loginMs, jobMs, answerMs, rowMs } = last;
    const times = { connect: connectMs, login: loginMs, job: jobMs, answer: answerMs, row: rowMs };
    const shown = Object.entries(times).flatMap(([name, ms]) =>
      ms === null ? [] : `${name} ${Math.round(ms)} ms`,
    );
    return [ok(`it got through ${spanText(agoMs)} ago: ${shown.join(", ")}`)];
  },
  { urgent: true },
);
