/** Does the outside hear that the pool is well? */

import { lastHeartbeat } from "../../shared/db/heartbeat.ts";
import { databaseCheck, ok, red, skipped, spanText, warn } from "./finding.ts";

/** Calls that may be missed: a start takes its time. */
const LATE_CALLS = 5;

export const heartbeat = databaseCheck("heartbeat", async (db, { config, clock }) => {
  const { heartbeaturl, heartbeatevery, checkevery } = config.alerts;
  if (heartbeaturl === "" || checkevery === 0)
    return [
      skipped(
        "no alerts.heartbeaturl is set: nobody outside is told while this pool is well, and by silence when it is not",
      ),
    ];
  const host = new URL(heartbeaturl).host;
  const last = await lastHeartbeat(db);
  if (last === undefined)
    return [
      warn(
        `${host} was not called yet`,
        "A pool that runs by this configuration calls it once its doctor has looked, within two minutes of the start",
      ),
    ];
  const ago = spanText(clock.wallMs() - last.atMs);
  if (last.result !== "")
    return [
      red(
        `the last call of ${host}, ${ago} ago, failed: ${last.result}`,
        "Correct alerts.heartbeaturl, or look at that service; an address of your own network needs alerts.privateaddresses = true",
      ),
    ];
  if (clock.wallMs() - last.atMs > LATE_CALLS * heartbeatevery)
    return [red(`the last call of ${host} was ${ago} ago`, "Start the pool: npx prosper edge")];
  return [ok(`${host} was told ${ago} ago that ${last.wasWell ? "all is well" : "something is red"}`)];
});
