/** `npm run bench`: measures, and prints a table or JSON. Exit code 1 when a row could not run, 2 on wrong flags, 130 after Ctrl-C. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, homedir } from "node:os";
import { join } from "node:path";
import { shutdownSignal } from "../../infra/cli/shutdown.ts";
import { coerceError } from "../../shared/errors.ts";
import { openTable } from "../../shared/hash/open-table.ts";
import { tablePath } from "../../shared/hash/table-file.ts";
import { SILENT } from "../../shared/logger.ts";
import { type Bench, CannotRun, type Setting } from "./bench.ts";
import { toChart } from "./chart.ts";
import { type Figure, figuresOf, type Round, range } from "./figures.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { findPeers, NO_PEERS } from "./peers.ts";
import { chooseBenches } from "./registry.ts";
import { fillPage, toJson, toMarkdown, toTable } from "./report.ts";
import { runBench } from "./run.ts";
import { BenchState } from "./state.ts";

const startMs = performance.now();
const say = (line: string): void => void process.stderr.write(`${clock()} ${line}\n`);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let plan: ReturnType<typeof planOf>;
  try {
    plan = planOf(args);
  } catch (thrown) {
    process.stderr.write(`${coerceError(thrown).message}\n`);
    return 2;
  }
  if (plan === undefined) return 0;
  const { benches, options, setting, state } = plan;
  const signal = shutdownSignal({ ...SILENT, info: (words) => say(words) });
  const failed: string[] = [];
  if (benches.some(({ needsTable }) => needsTable === true)) await makeTable(options.bits, signal);
  for (const bench of benches) {
    if (signal.aborted) break;
    try {
      await runBench(bench, { setting, rounds: options.rounds, signal }, state);
    } catch (thrown) {
      if (signal.aborted) break;
      const { message } = coerceError(thrown);
      say(`${bench.name}: ${thrown instanceof CannotRun ? "skipped" : "FAILED"}: ${message}`);
      if (!(thrown instanceof CannotRun)) failed.push(bench.name);
    }
  }
  const figures = benches.flatMap((bench) => figuresOf(bench, state.rounds(bench.name)));
  show(
    figures,
    options,
    benches.flatMap((bench) => state.rounds(bench.name)),
  );
  if (signal.aborted) return 130;
  if (failed.length > 0) say(`could not run: ${failed.join(", ")}`);
  return failed.length > 0 ? 1 : 0;
}

/** Undefined where a person only asked what there is. */
function planOf(args: readonly string[]) {
  const options = readOptions(args);
  if (options === "help") {
    process.stdout.write(HELP);
    return undefined;
  }
  const isChosen = (bench: Bench): boolean =>
    !options.quick || options.only.length > 0 || bench.isQuick !== false;
  const benches = chooseBenches(options.only).filter(isChosen);
  if (options.list) {
    process.stdout.write(benches.map(listed).join(""));
    return undefined;
  }
  const { bits, quick } = options;
  const { peers, missing } =
    options.peers === undefined ? { peers: NO_PEERS, missing: [] } : findPeers(options.peers);
  for (const name of missing) say(`no peer ${name} in ${options.peers}: its rows are measured without`);
  const among = Object.entries(peers).flatMap(([name, path]) => (path === undefined ? [] : name));
  const about = `${quick ? "quick, " : ""}${bits} bits, peers ${among.join(" ") || "none"}`;
  const setting: Setting = { bits, quick, peers, say };
  return { benches, options, setting, state: new BenchState(options.out, about) };
}

function listed(bench: Bench): string {
  const rows = Object.entries(bench.rows).map(([name, { unit, what }]) => `    ${name} (${unit}): ${what}\n`);
  return `${bench.name}: ${bench.what}\n${rows.join("")}`;
}

/** Before anything is measured: at 30 bits this takes ten minutes and more where the table is not there. */
async function makeTable(bits: number, signal: AbortSignal): Promise<void> {
  if (existsSync(tablePath(join(homedir(), ".lxrhash"), bits))) return;
  let told = -1;
  const onProgress = ({ step, done, total }: { step: string; done: number; total: number }): void => {
    const percent = Math.floor((10 * done) / total) * 10;
    if (step === "reading" || percent === told) return;
    told = percent;
    say(`${step} the table of ${bits} bits: ${percent} %`);
  };
  await openTable({ bits, onProgress, signal, logger: SILENT });
}

function show(figures: readonly Figure[], options: Options, rounds: readonly Round[]): void {
  const about = aboutRun(options, rounds);
  const took = `this run took ${((performance.now() - startMs) / 1000).toFixed(0)} s`;
  process.stdout.write(options.json ? `${toJson(figures)}\n` : `${toTable(figures)}\n\n${about}; ${took}\n`);
  if (options.json) say(`${about}; ${took}`);
  if (options.chart !== undefined) writeFileSync(options.chart, toChart(figures, about));
  if (options.fill === undefined) return;
  const page = readFileSync(options.fill, "utf8");
  writeFileSync(options.fill, fillPage(page, `${toMarkdown(figures)}\n\n${about}.`));
}

/** Of what the figures are. */
function aboutRun({ bits, quick }: Options, rounds: readonly Round[]): string {
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model.trim() ?? "an unknown CPU"}`;
  const loads = range(rounds.map(({ load }) => load)).map((load) => load.toFixed(1));
  const load = rounds.length === 0 ? "nothing measured" : `load ${loads.join(" to ")} before the rounds`;
  const size = `${quick ? "quick sizes, " : ""}large table of ${bits} bits`;
  return `${new Date().toISOString().slice(0, 10)}, ${machine}, Node ${process.versions.node}, ${size}, ${load}`;
}

function clock(): string {
  const seconds = Math.floor((performance.now() - startMs) / 1000);
  return `[${`${Math.floor(seconds / 60)}`.padStart(2, "0")}:${`${seconds % 60}`.padStart(2, "0")}]`;
}
