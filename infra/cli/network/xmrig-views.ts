/**
 * A miner's figures in the shape of xmrig's HTTP API (its doc/api/1 and doc/api/2), so that rig managers and monitors read them unchanged. What this
 * miner does not know is left out, not made up.
 */

import { cpus, freemem, hostname, loadavg, totalmem } from "node:os";
import type { MinerStats } from "../../../edge/miner/miner-stats.ts";
import type { Rates } from "../../../edge/miner/rates.ts";
import { hostAndPort } from "../../../edge/stratum/listen-on.ts";
import { assignedWork } from "../../../shared/difficulty/work.ts";
import { readPageFacts } from "../../../shared/hash/huge-pages.ts";
import type { Owed } from "./account-watch.ts";

export interface MinerFacts {
  readonly version: string;
  /** Milliseconds since it was started. */
  readonly uptimeMs: number;
  readonly stats: MinerStats;
  /** Of the table; undefined until there is one. */
  readonly tableBits: number | undefined;
  /** What the user is owed, where the pool is asked for it and has said. */
  readonly account: Owed | undefined;
  /** No token is set, so that nobody can change anything. */
  readonly restricted: boolean;
}

const ALGORITHM = "lxrhash";
/** So many are shown; xmrig fills the places that are free with 0. */
const BEST = 10;
const HUGE_PAGE_BYTES = 2 ** 21;
const WINDOWS_MS = [10_000, 60_000, 900_000] as const;

/** `/1/summary`: that of version 2, with the rates of each thread. */
export function summary1(facts: MinerFacts): object {
  const { hashrate, ...rest } = summary2(facts);
  return {
    ...rest,
    hashrate: { ...hashrate, threads: facts.stats.threads.map((rates) => windows(rates, facts.uptimeMs)) },
  };
}

/** `/2/summary`. */
export function summary2(facts: MinerFacts) {
  const { stats, uptimeMs, version } = facts;
  const { host, port, tls, worker } = stats.pool;
  const { accepted, acceptedHashes, answerMs, loggedInMs, reconnects } = stats;
  const refused = Object.values(stats.rejected).reduce((sum, count) => sum + count, 0);
  // Before the pool has told one, the target is one that nothing reaches.
  const difficulty = stats.authorized ? Number(assignedWork(stats.target)) : 0;
  const meanMs = accepted === 0 ? 0 : Math.round(uptimeMs / accepted);
  const averages = { avg_time: Math.floor(meanMs / 1000), avg_time_ms: meanMs };
  const hashes = { hashes_total: Number(acceptedHashes) };
  const best = [
    ...stats.best.map((reached) => Number(assignedWork(reached))),
    ...Array<number>(BEST).fill(0),
  ].slice(0, BEST);
  return {
    id: hostname(),
    worker_id: worker === "" ? hostname() : worker,
    uptime: Math.floor(uptimeMs / 1000),
    restricted: facts.restricted,
    resources: {
      memory: { free: freemem(), total: totalmem(), resident_set_memory: process.memoryUsage.rss() },
      load_average: loadavg(),
      hardware_concurrency: cpus().length,
    },
    features: ["api", "http", "tls"],
    results: {
      ...{ diff_current: difficulty, shares_good: accepted, shares_total: accepted + refused },
      ...averages,
      ...hashes,
      best,
    },
    algo: ALGORITHM,
    connection: {
      ...{ pool: hostAndPort(host, port), ip: host },
      ...{ uptime: Math.floor((loggedInMs ?? 0) / 1000), uptime_ms: Math.round(loggedInMs ?? 0) },
      ...{ ping: Math.round(answerMs ?? 0), failures: reconnects, tls: tls ? "TLS" : null },
      ...{ "tls-fingerprint": null, algo: ALGORITHM, diff: difficulty, accepted, rejected: refused },
      ...averages,
      ...hashes,
    },
    version,
    kind: "miner",
    ua: `prosper-miner/${version} (${process.platform} ${process.arch}) node/${process.versions.node}`,
    cpu: {
      brand: cpus()[0]?.model ?? "",
      ...{ "64_bit": /64/.test(process.arch), x64: process.arch === "x64", arch: process.arch },
      threads: cpus().length,
    },
    donate_level: 0,
    paused: stats.paused,
    algorithms: [ALGORITHM],
    hashrate: { total: windows(stats.rates, uptimeMs), highest: stats.rates.highest || null },
    hugepages: hugePages(facts.tableBits),
  };
}

/** Those that the process has, and those that its table would fill. */
function hugePages(tableBits: number | undefined): [number, number] {
  const wanted = tableBits === undefined ? 0 : Math.floor(2 ** tableBits / HUGE_PAGE_BYTES);
  return [Math.min(wanted, Math.floor(readPageFacts().hugeBytes / HUGE_PAGE_BYTES)), wanted];
}

/** `/2/backends`: the processor, which is all that mines. */
export function backends({ stats, uptimeMs }: MinerFacts): object[] {
  return [
    {
      ...{ type: "cpu", enabled: !stats.paused, algo: ALGORITHM, profile: ALGORITHM },
      hashrate: windows(stats.rates, uptimeMs),
      threads: stats.threads.map((rates) => ({ affinity: -1, hashrate: windows(rates, uptimeMs) })),
    },
  ];
}

/** A rate of a time that has not passed yet is null, as xmrig has it. */
function windows({ tenSeconds, minute, quarterHour }: Rates, uptimeMs: number): (number | null)[] {
  return [tenSeconds, minute, quarterHour].map((rate, window) =>
    uptimeMs < (WINDOWS_MS[window] ?? 0) ? null : Math.round(rate * 100) / 100,
  );
}
