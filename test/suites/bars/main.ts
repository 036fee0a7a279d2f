/** `npm run test:bars`: the bundled miner and the Go miner on a real pool for some blocks; prints what was refused, lost and the pace. Exit code 1 when a bar is missed. */

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Miner, startMiner } from "../../../edge/miner/miner.ts";
import { sleep, systemClock, systemRandom } from "../../../shared/clock.ts";
import { openTable } from "../../../shared/hash/open-table.ts";
import { SILENT } from "../../../shared/logger.ts";
import { AIM, pace, print, printPace, refusedOf } from "./figures.ts";
import { readOptions } from "./options.ts";
import { end, type GoMiner, slowNode, startGoMiner, startPool } from "./processes.ts";
import { register } from "./register.ts";
import { measureSignals, runRetargets } from "./retargets.ts";
import { Tap } from "./tap.ts";

const MAX_CUT_MS = 2_000;
/** The Go miner takes nothing but an e-mail address. */
const USER = "go@bars.example";
const options = readOptions();
const { blocks, blockMs, bits, cuts, nodeMs, goMiner } = options;
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());

async function startBundled(port: number): Promise<Miner> {
  return startMiner(
    { host: "127.0.0.1", port, user: USER, worker: "bundled", threads: 1, dutyCycle: options.duty },
    {
      table: await openTable({ bits, logger: SILENT }),
      ...{ clock: systemClock, random: systemRandom, logger: SILENT },
    },
  );
}

/** Cuts every few blocks, early in a job: the late time after its end is shorter than a cut. */
async function watch(taps: readonly Tap[]): Promise<void> {
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

async function newTap(pool: {
  readonly stratum: string;
}): Promise<{ readonly tap: Tap; readonly port: number }> {
  const [host = "127.0.0.1", port = "0"] = pool.stratum.split(":");
  const tap = new Tap(host, Number(port));
  taps.push(tap);
  return { tap, port: await tap.listen() };
}

/** Both miners side by side. Resolves to the bars that were missed. */
async function runBlocks(at: { readonly stratum: string }): Promise<readonly string[]> {
  const own = await newTap(at);
  const other = goMiner === undefined ? undefined : await newTap(at);
  if (goMiner !== undefined && other !== undefined)
    go = startGoMiner(goMiner, { folder, port: other.port, user: USER, bits });
  const bundled = await startBundled(own.port);
  await watch(taps);
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
  await bundled.stop();
  const { lost, rejected } = bundled.stats();
  print("bundled miner", own.tap, lost);
  printPace(own.tap, blockMs);
  if (other !== undefined && go !== undefined) {
    print("Go miner", other.tap, go.lost());
    printPace(other.tap, blockMs);
  }
  const refused =
    Object.values(rejected).reduce((sum, count) => sum + count, 0) +
    (other === undefined ? 0 : refusedOf(other.tap));
  const slow = taps.some((each) => Math.abs(pace(each.periods, blockMs) / AIM - 1) > 0.2);
  return [
    ...(refused > 0 ? ["refused"] : []),
    ...(lost > 0 ? ["lost"] : []),
    ...(cuts === 0 && slow ? ["pace"] : []),
  ];
}

async function retarget(at: { readonly stratum: string }, path: string): Promise<readonly string[]> {
  await measureSignals(path, options, { folder, user: USER, signal: stop.signal });
  const { tap, port } = await newTap(at);
  go = startGoMiner(path, { folder, port, user: USER, bits });
  return runRetargets(tap, go, options, stop.signal);
}

const folder = mkdtempSync(join(tmpdir(), "prosper-bars-"));
chmodSync(folder, 0o755);
let pool: Awaited<ReturnType<typeof startPool>> | undefined;
let go: GoMiner | undefined;
const taps: Tap[] = [];
try {
  console.log(
    `${options.retargets > 0 ? `${options.retargets} new targets` : `${blocks} blocks`}, blocks of ${blockMs / 1_000} s, ${bits} bits, ${cuts} cuts of up to ${MAX_CUT_MS / 1_000} s, ${nodeMs} ms more a call to the node, threshold at place ${options.cutoff} of the network`,
  );
  pool = await startPool({ folder, blockSeconds: blockMs / 1_000, bits, cutoff: options.cutoff });
  const [host = "127.0.0.1", port = "0"] = pool.stratum.split(":");
  if (nodeMs > 0) await slowNode(pool.factomd, nodeMs);
  await register(host, Number(port), USER, pool.inviteCode);
  const missed =
    options.retargets > 0 && goMiner !== undefined ? await retarget(pool, goMiner) : await runBlocks(pool);
  console.log(missed.length === 0 ? "every bar was met" : `missed: ${missed.join(", ")}`);
  process.exitCode = stop.signal.aborted ? 130 : missed.length === 0 ? 0 : 1;
} finally {
  await end(go?.child);
  for (const tap of taps) tap.close();
  await end(pool?.child);
  rmSync(folder, { recursive: true, force: true });
}
