import { afterEach, describe, expect, it } from "vitest";
import { type Hit, SearchThreads } from "../../../edge/miner/search-threads.ts";
import { MiningJob } from "../../../edge/miner/search-work.ts";
import { concat, fromHex } from "../../../shared/bytes.ts";
import { systemClock } from "../../../shared/clock.ts";
import { difficultyOf } from "../../../shared/hash/kernel.ts";
import { lxrHash } from "../../../shared/hash/lxr.ts";
import { tableBytes } from "../../../shared/hash/shared-table.ts";
import { SILENT } from "../../../shared/logger.ts";
import { nativeLibrary } from "../../support/hash/native.ts";
import { smallTable } from "../../support/hash/small-table.ts";
import { oneIn } from "./prefix-pool.ts";

const OPR_HASH = "5c".repeat(32);
const KERNELS: [string, string | undefined][] = [["WebAssembly", undefined]];
if (nativeLibrary !== undefined) KERNELS.push(["native", nativeLibrary]);

const crews: SearchThreads[] = [];
afterEach(async () => {
  for (const crew of crews.splice(0)) await crew.stop();
});

describe.each(KERNELS)("a crew on the %s kernel", (_, library) => {
  it("finds in each of its threads exactly the nonces that reach the target, none twice", async () => {
    const table = { ...smallTable(10), library };
    const hits: Hit[] = [];
    let hashes = 0;
    const crew = new SearchThreads(
      { table, threads: 2, dutyCycle: 1, maxHashesPerSecond: 40_000 },
      { clock: systemClock, logger: SILENT },
      { onHit: (hit) => void hits.push(hit), onHashes: (count) => (hashes += count) },
    );
    crews.push(crew);
    const target = oneIn(64n);

    crew.setWork({ job: new MiningJob(1, OPR_HASH), prefix: 7, target });
    while (hashes < 8_000) await new Promise((resolve) => setTimeout(resolve, 5));
    await crew.stop();

    const nonces = hits.map(({ nonce }) => nonce);
    expect(new Set(nonces).size).toBe(nonces.length);
    for (const { nonce, difficulty } of hits) {
      const input = concat(fromHex(OPR_HASH, "oprHash"), fromHex(nonce, "nonce"));
      expect(difficulty).toBe(difficultyOf(lxrHash(tableBytes(table), input)));
      expect(difficulty).toBeGreaterThanOrEqual(target);
    }
    // As many as chance gives: 64 hashes each, five standard deviations.
    expect(Math.abs(hits.length - hashes / 64)).toBeLessThan(5 * Math.sqrt(hashes / 64));
  });
});
