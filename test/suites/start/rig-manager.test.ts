/** A rig manager's own library, from PyPI, reads this miner as it reads xmrig. */

import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { isRunnable } from "../../support/optional-suite.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { start } from "../../support/processes/prosper.ts";
import { until } from "../../support/until.ts";

const TOKEN = "a rig's token";
const HASH = "ab".repeat(32);
const library = temporaryFolder();

/** What the library is asked, with its own names. It logs what it cannot find, and says False. */
const PROGRAM = `
import json, sys
sys.path.insert(0, ${JSON.stringify(library)})
from xmrig import XMRigAPI
port, order = sys.argv[1], sys.argv[2]
rig = XMRigAPI("127.0.0.1", port, ${JSON.stringify(TOKEN)})
if order != "look": getattr(rig, order + "_miner")()
rig.update_summary(); rig.update_backends()
print(json.dumps({
  "worker": rig.sum_worker_id, "uptime": rig.sum_uptime, "memory": rig.sum_total_memory, "load": rig.sum_load_average,
  "accepted": rig.sum_pool_accepted_jobs, "refused": rig.sum_pool_rejected_jobs, "pool": rig.sum_pool_info, "ping": rig.sum_pool_ping,
  "difficulty": rig.sum_current_difficulty, "good": rig.sum_good_shares, "total": rig.sum_total_shares, "best": rig.sum_best_results,
  "algorithm": rig.sum_algorithm, "paused": rig.sum_paused, "rate": rig.sum_hashrates, "pages": rig.sum_hugepages, "cpu": rig.sum_cpu_brand,
  "backend": rig.be_cpu_type, "threads": rig.be_cpu_threads,
}))
`;
const rate = v.nullable(v.number());
const seen = v.strictObject({
  ...{ worker: v.literal("rig"), uptime: v.number(), memory: v.number(), load: v.array(v.number()) },
  ...{ accepted: v.number(), refused: v.literal(0), pool: v.pipe(v.string(), v.regex(/^127\.0\.0\.1:\d+$/)) },
  ...{ ping: v.number(), difficulty: v.pipe(v.number(), v.minValue(1)), good: v.number(), total: v.number() },
  ...{
    best: v.pipe(v.array(v.number()), v.length(10)),
    algorithm: v.literal("lxrhash"),
    paused: v.boolean(),
  },
  rate: v.object({ total: v.pipe(v.array(rate), v.length(3)), highest: rate }),
  ...{ pages: v.array(v.number()), cpu: v.pipe(v.string(), v.minLength(1)), backend: v.literal("cpu") },
  threads: v.pipe(v.array(v.object({ hashrate: v.array(rate) })), v.length(1)),
});

function whyNoLibrary(): string | undefined {
  try {
    const install = ["-m", "pip", "install", "-q", "--target", library, "xmrig==1.1.2", "requests==2.34.2"];
    execFileSync("python3", install, { stdio: "ignore" });
    return undefined;
  } catch {
    return "a rig manager's library needs Python 3 with pip, and PyPI";
  }
}

describe.skipIf(!isRunnable("test:start", whyNoLibrary()))("a rig manager", () => {
  it("reads the miner's figures, pauses it, lets it go on and stops it", async () => {
    const pool = start(["stratum", "--bits", "10", "--sport", "0"]);
    const port = await until("the pool", () => /stratum on \S+:(\d+)/.exec(pool.stdout())?.[1]);
    pool.process.stdin?.write(`job 1000 ${HASH}\n`);
    const miner = start(
      [
        ...["miner", "--host", `127.0.0.1:${port}`, "--user", "user", "--worker", "rig", "--threads", "1"],
        ...["--duty", "0.5", "--http", "127.0.0.1:0"],
      ],
      { env: { PROSPER_MINER_TOKEN: TOKEN } },
    );
    const http = await until("its figures", () => /rig managers: \S+:(\d+)/.exec(miner.stdout())?.[1]);
    const program = join(temporaryFolder(), "manager.py");
    writeFileSync(program, PROGRAM);
    const look = async (order = "look"): Promise<v.InferOutput<typeof seen>> => {
      const { stdout } = await promisify(execFile)("python3", [program, http, order]);
      return v.parse(seen, JSON.parse(stdout));
    };

    await until("ten seconds of rates", async () => ((await look()).rate.total[0] ?? 0) > 0, {
      withinMs: 30_000,
      everyMs: 1000,
    });
    await until("accepted shares", async () => (await look()).accepted > 0, {
      withinMs: 60_000,
      everyMs: 1000,
    });
    expect(await look("pause")).toMatchObject({ paused: true });
    await until("a miner at rest", async () => (await look()).rate.total[0] === 0, {
      ...{ withinMs: 30_000, everyMs: 1000 },
    });
    expect(await look("resume")).toMatchObject({ paused: false });
    await until("a miner at work", async () => ((await look()).rate.total[0] ?? 0) > 0, {
      ...{ withinMs: 30_000, everyMs: 1000 },
    });
    await promisify(execFile)("python3", [program, http, "stop"]).catch(() => undefined);
    expect((await miner.ended).code).toBe(0);
    expect((await miner.ended).stdout).toMatch(/accepted [1-9]\d* · rejected 0\n$/);
    pool.process.kill("SIGINT");
    await pool.ended;
  });
});
