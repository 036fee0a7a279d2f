/** `npm run bars`: the bundled miner and the Go miner on a real pool for some blocks; prints what was refused, lost and the pace. Exit code 1 when a bar is missed. */

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Miner, startMiner } from "../../edge/miner/miner.ts";
import { sleep, systemClock, systemRandom } from "../../shared/clock.ts";
import { keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import { faAddressOf } from "../../shared/factom/fat2.ts";
import { openTable } from "../../shared/hash/open-table.ts";
import { SILENT } from "../../shared/logger.ts";
import { end, type GoMiner, type Ready, slowNode, startGoMiner, startPool } from "./processes.ts";
import { type Period, Tap } from "./tap.ts";

const AIM = 60;
const LAST_PERIODS = 20;
const MAX_CUT_MS = 2_000;
const PASSWORD = "a password of the bars";
const GO_USER = "go@bars.example";
const { values } = parseArgs({
  options: {
    blocks: { type: "string", default: "30" },
    "block-seconds": { type: "string", default: "10" },
    bits: { type: "string", default: "16" },
    duty: { type: "string", default: "0.4" },
    cuts: { type: "string", default: "0" },
    cutoff: { type: "string", default: "20" },
    "node-ms": { type: "string", default: "0" },
    "go-miner": { type: "string" },
  },
});
const blocks = whole("blocks", values.blocks, 1, 10_000);
const blockMs = 1_000 * whole("block-seconds", values["block-seconds"], 1, 600);
const bits = whole("bits", values.bits, 8, 30);
const cuts = whole("cuts", values.cuts, 0, blocks);
// At the pool's own 200 a miner that is a third of its network or more is given the threshold instead of what vardiff wants.
const cutoff = whole("cutoff", values.cutoff, 1, 100_000);
const nodeMs = whole("node-ms", values["node-ms"], 0, 60_000);
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());

function whole(name: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  console.error(`--${name}: expected a whole number from ${from} to ${to}, got ${JSON.stringify(text)}`);
  process.exit(2);
}

/** Of the last whole periods: accepted shares a block period of mining time. */
function pace(periods: readonly Period[]): number {
  const rates = periods
    .slice(1, -1)
    .slice(-LAST_PERIODS)
    .filter((period) => period.minedMs > 0)
    .map((period) => (period.accepted * blockMs) / period.minedMs);
  return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
}

const refusedOf = (tap: Tap): number => Object.values(tap.refused).reduce((sum, count) => sum + count, 0);

function print(name: string, tap: Tap, lost: number): void {
  tap.endPeriod();
  console.log(
    `${name}: submitted ${tap.submitted}, accepted ${tap.accepted}, refused ${refusedOf(tap)}, lost ${lost}, connections ${tap.connections}, cuts ${tap.cuts}`,
  );
  for (const [reason, count] of Object.entries(tap.refused)) console.log(`  refused ${count}: ${reason}`);
  console.log(
    `  pace: ${pace(tap.periods).toFixed(1)} shares a block period of mining time (aim ${AIM}, last ${Math.min(LAST_PERIODS, Math.max(0, tap.periods.length - 2))} whole periods)`,
  );
}

function startBundled(port: number, pool: Ready, user: string, threads: number): Miner {
  return startMiner(
    {
      host: "127.0.0.1",
      port,
      user,
      worker: "bundled",
      password: PASSWORD,
      invite: pool.inviteCode,
      payoutAddress: faAddressOf(keyPairFromSeed(new Uint8Array(32).fill(7))),
      threads,
      dutyCycle: Number(values.duty),
    },
    { table, clock: systemClock, random: systemRandom, logger: SILENT },
  );
}

/** A Go miner cannot be given a password without a terminal: its user is registered by ours. */
async function register(pool: Ready, port: number): Promise<void> {
  const miner = startBundled(port, pool, GO_USER, 1);
  void miner.ended.then((how) => how.kind === "refused" && console.error(`not registered: ${how.reason}`));
  while (!miner.stats().authorized && !stop.signal.aborted) await sleep(systemClock, 50, stop.signal);
  await miner.stop();
}

/** Cuts every few blocks, early in a job: the late time after its end is shorter than a cut. */
async function run(taps: readonly Tap[]): Promise<void> {
  const every = cuts === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor((blocks - 1) / cuts));
  const shown = process.stdout.isTTY;
  let seen = 0;
  for (;;) {
    await sleep(systemClock, 100, stop.signal);
    const [first] = taps;
    if (first === undefined || stop.signal.aborted || first.periods.length > blocks + 1) return;
    if (first.periods.length === seen) continue;
    seen = first.periods.length;
    const line = `block ${seen - 1} of ${blocks}: ${taps.map((tap) => `${tap.accepted} accepted, ${refusedOf(tap)} refused`).join("; ")}`;
    process.stdout.write(shown ? `\r\u001b[K${line}` : `${line}\n`);
    if ((seen - 1) % every !== 0 || seen === 1) continue;
    for (const tap of taps)
      if (tap.cuts < cuts)
        tap.cut(tap.cuts % 2 === 0 ? "clean" : "half-open", (MAX_CUT_MS * (tap.cuts + 1)) / cuts);
  }
}

const table = await openTable({ bits, logger: SILENT });
const folder = mkdtempSync(join(tmpdir(), "prosper-bars-"));
chmodSync(folder, 0o755);
let pool: Awaited<ReturnType<typeof startPool>> | undefined;
let go: GoMiner | undefined;
const taps: Tap[] = [];
try {
  console.log(
    `${blocks} blocks of ${blockMs / 1_000} s, ${bits} bits, ${cuts} cuts of up to ${MAX_CUT_MS / 1_000} s, ${nodeMs} ms more a call to the node, threshold at place ${cutoff} of the network`,
  );
  pool = await startPool({ folder, blockSeconds: blockMs / 1_000, bits, cutoff });
  const [host = "127.0.0.1", port = "0"] = pool.stratum.split(":");
  if (nodeMs > 0) await slowNode(pool.factomd, nodeMs);
  const tap = new Tap(host, Number(port));
  taps.push(tap);
  const ownPort = await tap.listen();
  if (values["go-miner"] !== undefined) {
    await register(pool, Number(port));
    const goTap = new Tap(host, Number(port));
    taps.push(goTap);
    go = startGoMiner(values["go-miner"], { folder, port: await goTap.listen(), user: GO_USER, bits });
  }
  const bundled = startBundled(ownPort, pool, values["go-miner"] === undefined ? "bars" : GO_USER, 1);
  await run(taps);
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
  await bundled.stop();
  const { lost, rejected } = bundled.stats();
  print("bundled miner", tap, lost);
  const [, goTap] = taps;
  if (goTap !== undefined && go !== undefined) print("Go miner", goTap, go.lost());
  const refused =
    Object.values(rejected).reduce((sum, count) => sum + count, 0) +
    (goTap === undefined ? 0 : refusedOf(goTap));
  const slow = taps.some((each) => Math.abs(pace(each.periods) / AIM - 1) > 0.2);
  const missed = [
    ...(refused > 0 ? ["refused"] : []),
    ...(lost > 0 ? ["lost"] : []),
    ...(cuts === 0 && slow ? ["pace"] : []),
  ];
  console.log(missed.length === 0 ? "every bar was met" : `missed: ${missed.join(", ")}`);
  process.exitCode = stop.signal.aborted ? 130 : missed.length === 0 ? 0 : 1;
} finally {
  await end(go?.child);
  for (const tap of taps) tap.close();
  await end(pool?.child);
  rmSync(folder, { recursive: true, force: true });
}
