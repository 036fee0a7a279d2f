import { describe, expect, it } from "vitest";
import { AnnouncedJobs } from "../../../edge/stratum/announced-jobs.ts";
import { EdgeBackend } from "../../../edge/stratum/edge-backend.ts";
import { openJob, oprHashOf, start, type World, world } from "../../support/share-desk.ts";
import { passUntil } from "../../support/turns.ts";

function backendOf(w: World): { backend: EdgeBackend; announced: AnnouncedJobs } {
  const announced = new AnnouncedJobs();
  const logins = { authorize: async () => ({ kind: "ok", registered: false }) as const };
  return { backend: new EdgeBackend({ announced, desk: w.desk, logins }), announced };
}

function jobAt(height: number): { height: number; oprHash: string; threshold: bigint } {
  return { height, oprHash: oprHashOf(height), threshold: 7n };
}

describe("the job that an edge tells its miners", () => {
  it("is the announced one while the desk takes what they find, and none while it does not", async () => {
    const w = world();
    const { backend, announced } = backendOf(w);
    announced.announce(jobAt(1000));
    const early = backend.currentJob();
    await start(w, 1000);
    const open = backend.currentJob();
    w.desk.stopJob();
    const stopped = backend.currentJob();
    await passUntil(w.clock, w.desk.resumeJob());
    const resumed = backend.currentJob();
    announced.end();
    const over = backend.currentJob();

    expect([early, stopped, over]).toEqual([undefined, undefined, undefined]);
    expect(open).toEqual({ ...jobAt(1000), freshFrom: 0 });
    // Prefix 0 was given out before the stop.
    expect(resumed).toEqual({ ...jobAt(1000), freshFrom: 2 });
  });

  it("can be asked for by its height while 15 newer ones come, and no longer", async () => {
    const w = world();
    const { backend, announced } = backendOf(w);
    await start(w);
    for (let height = 1000; height <= 1015; height++) {
      await openJob(w, height);
      announced.announce(jobAt(height));
    }
    announced.end();
    const whileRemembered = backend.oprHashOf(1000);
    announced.announce(jobAt(1016));

    expect([whileRemembered, backend.oprHashOf(1000)]).toEqual([oprHashOf(1000), undefined]);
    expect(backend.oprHashOf(1016)).toBe(oprHashOf(1016));
    expect(backend.oprHashOf(1017)).toBeUndefined();
  });
});
