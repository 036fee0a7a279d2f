/** This machine's clock, beside the database's and the node's: prices, logins and payouts go by it. */

import { databaseMs } from "../../shared/db/database-clock.ts";
import { type Check, type Finding, ok, type Patient, red, skipped, spanText, warn } from "./finding.ts";

/** A payout's salt and a second factor's step bear this much, and no more. */
const WARN_MS = 2_000;
const RED_MS = 30_000;
const MEND = "Set both clocks by NTP: timedatectl set-ntp true (chrony, systemd-timesyncd)";

export const clocks: Check = {
  name: "clocks",
  look: async (patient) => [await besideDatabase(patient), await besideNode(patient)],
};

async function besideDatabase({ db, clock }: Patient): Promise<Finding> {
  if (db === undefined) return skipped("no database to compare with");
  const before = clock.wallMs();
  const there = await databaseMs(db);
  // It was read somewhere between the two looks at our own.
  const middle = (before + clock.wallMs()) / 2;
  return offFinding("the database's clock", there - middle);
}

function offFinding(whose: string, offMs: number): Finding {
  const off = Math.abs(offMs);
  if (off < WARN_MS) return ok(`${whose} agrees within ${Math.max(1, Math.round(off))} ms`);
  const said = `${whose} is ${spanText(off)} ${offMs > 0 ? "ahead of" : "behind"} this machine's`;
  return off < RED_MS ? warn(said, MEND) : red(said, MEND);
}

/** A block's time is of its beginning, and it ends one period later: the newest is never older than two, or from the future. */
async function besideNode({ nodes, clock, config }: Patient): Promise<Finding> {
  for (const { url, factomd } of nodes) {
    const height = await factomd.heights().then(
      ({ directoryBlock }) => directoryBlock,
      () => undefined,
    );
    const block = height === undefined ? undefined : await factomd.dblockByHeight(height);
    if (block === undefined) continue;
    const aheadMs = block.timestampMinutes * 60_000 - clock.wallMs();
    // It is told in whole minutes.
    if (aheadMs > 60_000)
      return red(`the newest block of ${url} began ${spanText(aheadMs)} in this machine's future`, MEND);
    const { blockperiod } = config.pegnet;
    if (-aheadMs > 3 * Math.max(blockperiod, 60_000))
      return warn(
        `the newest block of ${url} began ${spanText(-aheadMs)} ago`,
        `Does that node follow its network? If it does, this machine's clock is ahead. ${MEND}`,
      );
    return ok(`the newest block began ${spanText(-aheadMs)} ago`);
  }
  return skipped("no node to compare with");
}
