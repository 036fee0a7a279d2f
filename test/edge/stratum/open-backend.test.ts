/** The backend of `prosper stratum`: whether what miners claim is hashed. */

import { describe, expect, it } from "vitest";
import { Prefixes } from "../../../edge/shares/prefixes.ts";
import { OpenBackend } from "../../../edge/stratum/open-backend.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { SILENT } from "../../../shared/logger.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import { manualClock } from "../../support/manual-clock.ts";

const oprHash = "ab".repeat(32);

async function started(hasher: Hasher | undefined) {
  const clock = manualClock();
  const prefixes = new Prefixes({ order: (n) => n });
  const backend = new OpenBackend(
    { lateMs: 5000 },
    { hasher, clock, random: (length) => new Uint8Array(length), logger: SILENT, prefixes },
  );
  backend.setJob(1000, oprHash);
  const holder = { user: "bob", worker: "rig" };
  const grant = (target: bigint) => backend.grantPrefix({ target, holder, measured: undefined });
  const submit = (target: string, counter = 1, prefix = 0) =>
    backend.submit({
      ...{ ...holder, jobId: "1000", oprHash, target, readAtMs: clock.monotonicMs() },
      ...{ nonce: `${hex(prefix)}${hex(counter)}`, sessionId: "s", remoteAddress: "::1" },
    });
  await grant(FIRST);
  return { backend, clock, grant, submit };
}

const FIRST = 0xffff_0000_0000_0000n;

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

describe("a stratum server of its own", () => {
  it("hashes what is claimed", async () => {
    const { submit } = await started(smallHasher(8));

    expect(await submit("ffffffffffffffff")).toMatchObject({ kind: "refused", code: "wrong-hash" });
  });

  it("that is told to trust miners believes the claim, once for each nonce and not below its prefix's target", async () => {
    const { grant, submit } = await started(undefined);
    const easy = await grant(0xf000_0000_0000_0000n);

    expect(await submit("fffe000000000000")).toMatchObject({ kind: "refused", code: "low-difficulty" });
    expect(await submit("fffe000000000000", 1, easy?.prefix)).toEqual({
      kind: "accepted",
      target: 0xf000_0000_0000_0000n,
    });
    expect(await submit("ffffffffffffffff")).toEqual({ kind: "accepted", target: FIRST });
    expect(await submit("ffffffffffffffff")).toMatchObject({ kind: "refused", code: "duplicate" });
  });

  it("takes shares for five seconds after a stop, and goes on with new prefixes only", async () => {
    const { backend, clock, grant, submit } = await started(undefined);
    backend.stop();
    const whileStopped = backend.currentJob();
    const late = await submit("ffffffffffffffff", 1);
    clock.advance(5_001);
    backend.resume();
    const after = await grant(FIRST);

    expect(whileStopped).toBeUndefined();
    expect(late.kind).toBe("accepted");
    expect(backend.currentJob()).toMatchObject({ height: 1000, freshFrom: after?.serial });
    expect(await submit("ffffffffffffffff", 2)).toMatchObject({ kind: "refused", code: "stale" });
    expect((await submit("ffffffffffffffff", 3, after?.prefix)).kind).toBe("accepted");
  });
});
