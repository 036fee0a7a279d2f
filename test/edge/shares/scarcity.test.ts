/** A slot that runs out of nonce prefixes: a stranger could use them up, and miners would keep their targets without anybody being told. */

import { describe, expect, it } from "vitest";
import { Prefixes } from "../../../edge/shares/prefixes.ts";
import { OpenBackend } from "../../../edge/stratum/open-backend.ts";
import { SILENT } from "../../../shared/logger.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { granted, openJob, start, type World, world } from "../../support/share-desk.ts";
import { pass } from "../../support/turns.ts";

const SESSIONS = 16;
const ALARM = expect.stringContaining("fewer than an eighth of the nonce prefixes are free");

/** In job 1000; `start` took one of the 16. */
async function deskWith(held: number): Promise<{ w: World; prefixes: number[] }> {
  const w = world(undefined, { sessions: SESSIONS });
  await start(w, 1000);
  const prefixes = [0];
  while (prefixes.length < held) prefixes.push(await granted(w, { holder: undefined }));
  return { w, prefixes };
}

describe("fewer than an eighth of a slot's prefixes free", () => {
  it("is an alarm at once, and once in a job", async () => {
    const { w } = await deskWith(14);
    const before = [...w.alarms];

    await granted(w);
    await granted(w);

    expect(before).toEqual([]);
    expect(w.alarms).toEqual([{ message: ALARM, facts: { live: 15, quarantined: 0 } }]);
  });

  it("is an alarm again when the next job opens and no more are free, whether they are held or rest", async () => {
    const { w, prefixes } = await deskWith(15);
    for (const prefix of prefixes.slice(0, 5)) w.desk.releasePrefix(prefix);
    w.alarms.length = 0;

    await openJob(w, 1001);

    expect(w.alarms).toEqual([{ message: ALARM, facts: { live: 10, quarantined: 5 } }]);
  });

  it("is none any more once they have been given back and their job is over", async () => {
    const { w, prefixes } = await deskWith(15);
    for (const prefix of prefixes) w.desk.releasePrefix(prefix);
    await openJob(w, 1001);
    await pass(w.clock, 5_000);
    w.alarms.length = 0;

    await openJob(w, 1002);
    await granted(w);

    expect(w.alarms).toEqual([]);
  });

  it("is an alarm of a stratum server of its own too", async () => {
    const alarms: string[] = [];
    const backend = new OpenBackend(
      { lateMs: 5_000 },
      {
        ...{ hasher: undefined, clock: manualClock(), random: (length) => new Uint8Array(length) },
        logger: { ...SILENT, error: (message) => void alarms.push(message) },
        prefixes: new Prefixes({ sessions: SESSIONS, order: (n) => n % SESSIONS }),
      },
    );
    backend.setJob(1000, "ab".repeat(32));
    for (let held = 0; held < SESSIONS; held++)
      await backend.grantPrefix({ target: 0n, holder: undefined, measured: undefined });
    const inOneJob = [...alarms];

    backend.setJob(1001, "cd".repeat(32));

    expect(inOneJob).toEqual([ALARM]);
    expect(alarms).toEqual([ALARM, ALARM]);
  });
});
