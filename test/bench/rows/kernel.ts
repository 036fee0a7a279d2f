/** The hash itself on one core, and a step of the making of its table, by CPU time: other load on the machine spoils less of it than of the clock's. */

import type { ChildProcess } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { tablePath } from "../../../shared/hash/table-file.ts";
import type { Bench, Opened, Row, Setting, Values } from "../bench.ts";
import { nextLine, type Room } from "../room.ts";

const SAMPLE_US = 400_000;
const QUICK_SAMPLE_US = 20_000;
const QUICK_BITS = 16;
/** What hashing in batches of 128 divides by. */
const LEAST = 128;
const INPUT = "5a".repeat(41);

/** The fastest way of ours beside the peer's for one input. */
const OVER_FLAT = "kernel-batch-over-flat";

type Ask = (line: string) => Promise<string>;

function asker(child: ChildProcess, next: () => Promise<string>): Ask {
  return (line) => {
    child.stdin?.write(`${line}\n`);
    return next();
  };
}

/** How many take about so long. */
async function calibrate(ask: Ask, name: string, sampleUs: number, most: number): Promise<number> {
  for (let count = LEAST; ; count *= 4) {
    const us = Number(await ask(`${name} ${count}`));
    if (us > sampleUs / 4 || 4 * count > most)
      return Math.min(
        most,
        Math.max(LEAST, Math.round((count * sampleUs) / Math.max(us, 1) / LEAST) * LEAST),
      );
  }
}

/** One turn: the CPU microseconds of one, for each name. */
async function turn(
  ask: Ask,
  names: readonly string[],
  sampleUs: number,
  most: number,
): Promise<() => Promise<Map<string, number>>> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, await calibrate(ask, name, sampleUs, most));
  return async () => {
    const us = new Map<string, number>();
    for (const [name, count] of counts) us.set(name, Number(await ask(`${name} ${count}`)) / count);
    return us;
  };
}

function sizes({ quick, bits }: Setting): { readonly bits: number; readonly sampleUs: number } {
  return { bits: quick ? Math.min(bits, QUICK_BITS) : bits, sampleUs: quick ? QUICK_SAMPLE_US : SAMPLE_US };
}

async function startOwn(
  bits: number,
  spoils: boolean,
  room: Room,
): Promise<{ readonly ask: Ask; readonly names: readonly string[] }> {
  const program = join(import.meta.dirname, "kernel-process.ts");
  const child = room.spawn(process.execPath, [program, JSON.stringify({ bits, spoils })], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const next = nextLine(child, "kernel-process.ts");
  const names = v.parse(v.array(v.string()), JSON.parse(await next()));
  return { names, ask: asker(child, next) };
}

async function openKernel(setting: Setting, room: Room): Promise<Opened> {
  const { bits, sampleUs } = sizes(setting);
  const own = await startOwn(bits, false, room);
  const measure = await turn(own.ask, own.names, sampleUs, 2 ** 30);
  const hash = await own.ask(`hash ${INPUT}`);
  if (hash.includes(" ")) throw new Error(`expected one hash of all kernels, got ${hash}`);
  const ours = async (): Promise<Values> => {
    const rates = Object.fromEntries([...(await measure())].map(([name, us]) => [name, 1e6 / us]));
    return { ...rates, [OVER_FLAT]: rates["kernel-batch"] ?? Number.NaN };
  };
  const { lxrhash } = setting.peers;
  if (lxrhash === undefined) return { ours, peer: undefined };
  const table = tablePath(join(homedir(), ".lxrhash"), bits);
  const child = room.spawn(lxrhash, [table, `${bits}`], { stdio: ["pipe", "pipe", "inherit"] });
  const ask = asker(child, nextLine(child, lxrhash));
  const theirs = await ask(`hash ${INPUT}`);
  if (theirs !== hash) throw new Error(`the hashes differ: ours ${hash}, the peer's ${theirs}`);
  const measurePeer = await turn(ask, ["flat", "parallel"], sampleUs, 2 ** 30);
  const peer = async (): Promise<Values> => {
    const us = await measurePeer();
    const rate = (how: string): number => 1e6 / (us.get(how) ?? Number.NaN);
    const batches = own.names.filter((name) => name.startsWith("kernel-batch"));
    return {
      ...Object.fromEntries(own.names.map((name) => [name, rate("flat")])),
      ...Object.fromEntries(batches.map((name) => [name, rate("parallel")])),
      [OVER_FLAT]: rate("flat"),
    };
  };
  return { ours, peer };
}

async function openTableSteps(setting: Setting, room: Room): Promise<Opened> {
  const { bits, sampleUs } = sizes(setting);
  const own = await startOwn(bits, true, room);
  const measure = await turn(own.ask, own.names, sampleUs, 2 ** (bits - 1));
  const ours = async (): Promise<Values> =>
    Object.fromEntries([...(await measure())].map(([name, us]) => [name, us * 1000]));
  return { ours, peer: undefined };
}

const ENDS = {
  "": "by the kernel and the pages that are used where they are there",
  "-wasm": "by WebAssembly",
  "-small-pages": "on pages of 4 KiB",
  "-wasm-small-pages": "by WebAssembly, on pages of 4 KiB",
};

function rowsOf(name: string, row: Row): Record<string, Row> {
  return Object.fromEntries(
    Object.entries(ENDS).map(([end, how]) => [`${name}${end}`, { ...row, what: `${row.what}, ${how}` }]),
  );
}

export const KERNEL_BENCHES: readonly Bench[] = [
  {
    name: "kernel",
    what: "hashes a second of CPU time on one core over the large table; the peer's FlatHash and HashParallel(16)",
    rounds: 9,
    needsTable: true,
    rows: {
      ...rowsOf("kernel", { unit: "hashes/s", what: "one input at a time", better: "more" }),
      ...rowsOf("kernel-batch", { unit: "hashes/s", what: "128 inputs side by side", better: "more" }),
      [OVER_FLAT]: { unit: "hashes/s", what: "kernel-batch, beside the peer's FlatHash", better: "more" },
    },
    open: openKernel,
  },
  {
    name: "table",
    what: "a step of the making of the large table, by CPU time",
    rounds: 5,
    needsTable: true,
    rows: rowsOf("table", { unit: "ns", what: "a step", better: "less" }),
    open: openTableSteps,
  },
];
