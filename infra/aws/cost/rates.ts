/** What a pool uses for each miner, block and edge: measured where a command is named, else what is assumed, and why. */

/** Of a worker and block, where nothing else is said. */
export interface Measured {
  readonly workers: number;
  /** Bytes of messages as edges send them. */
  readonly sentBytes: number;
  /** Bytes that stay in the database for good: work, payouts. */
  readonly keptBytes: number;
  /** Deltas: whole, until they are archived; what of their rows stays; and what is in the archive's files. */
  readonly archivableBytes: number;
  readonly archivedRowBytes: number;
  readonly archiveFileBytes: number;
  /** Statistics, which are pruned after a month. */
  readonly prunedBytes: number;
  /**
   * Redo log, which Aurora writes in units of 4 KB: of all that is applied, sealed and watched; of archiving; of pruning with what is tidied up after
   * it. Full pages are not in it, since Aurora writes none.
   */
  readonly logBytes: number;
  readonly archiveLogBytes: number;
  readonly pruneLogBytes: number;
  /** Pages of 8 KB that are read by a server that has none in memory: to archive, to prune, to check the books. */
  readonly archivePages: number;
  readonly prunePages: number;
  readonly checkPages: number;
  /** PostgreSQL's CPU. */
  readonly cpuMs: number;
  /** Statements of one event of the queue: to apply it, and to look whether something can be sealed; and those of them that write something. */
  readonly callsAnEvent: number;
  readonly commitsAnEvent: number;
}

/**
 * `node test/bench/growth.ts 500 3` and `2000 1`, 2026-11-29, PostgreSQL 18 on a machine with other work on it: one edge with a message a second, 60
 * shares a block and worker, each worker an account of its own; applied, sealed, watched, archived and pruned by the functions' own code.
 */
const MEASURED: readonly [Measured, Measured] = [
  {
    workers: 500,
    ...{
      sentBytes: 6114,
      keptBytes: 524,
      archivableBytes: 819,
      archivedRowBytes: 288,
      archiveFileBytes: 195,
    },
    ...{ prunedBytes: 4320, logBytes: 57_990, archiveLogBytes: 521, pruneLogBytes: 1453 },
    ...{ archivePages: 0.167, prunePages: 0.843, checkPages: 0.106 },
    ...{ cpuMs: 14.2, callsAnEvent: 4, commitsAnEvent: 1.2 },
  },
  {
    workers: 2000,
    ...{ sentBytes: 6056, keptBytes: 553, archivableBytes: 442, archivedRowBytes: 78, archiveFileBytes: 161 },
    ...{ prunedBytes: 3645, logBytes: 57_260, archiveLogBytes: 127, pruneLogBytes: 1477 },
    ...{ archivePages: 0.088, prunePages: 0.677, checkPages: 0.087 },
    ...{ cpuMs: 9.9, callsAnEvent: 4, commitsAnEvent: 1.5 },
  },
];

/** The larger of the two pools for those that are as large. */
export function measured(miners: number): Measured {
  const [few, many] = MEASURED;
  return miners < many.workers ? few : many;
}

/** A worker finds so many shares a block whatever its speed; a message a second and edge holds them. */
export const SHARES_A_BLOCK = 60;
export const MESSAGES_A_SECOND = 1;
/** Bytes on the wire for one accepted share: the answer, and the headers of IP and TCP. */
export const ANSWER_BYTES = 38 + 52;
/** A job every block: notify, with its target and prefix. */
export const JOB_BYTES = 3 * (100 + 52);

/** Bodies in a file of the archive (functions/janitor/archiver.ts). */
export const ARCHIVE_PART_BYTES = 8_000_000;
/** Statistics by the minute are kept for so many days (functions/janitor). */
export const PRUNED_DAYS = 30;

/**
 * A poll asks some sources for seconds, mostly waiting; the janitor looks at what is open; most runs of alerts find nothing due, some send a message; the
 * canary waits for a login by argon2id and writes a row.
 */
export const RUNS = {
  poll: { calls: 3, seconds: 4 },
  janitor: { calls: 12, seconds: 1.5 },
  alerts: { calls: 2, seconds: 0.5 },
  canary: { calls: 1, seconds: 1 },
} as const;
/** Between its looks (infra/aws/control-alarms.ts). */
export const CANARY_MINUTES = 5;
/** An edge commits its lease anew each few seconds; poll and janitor write some rows each minute. */
export const LEASE_SECONDS = 5;
export const COMMITS_A_MINUTE = 6;
/**
 * The hourly check looks at 500 old blocks, or as far as its half minute goes: 1,045 calls of some 500 rows (`node test/bench/prove.ts`), which is
 * about what half a minute is enough for over the Data API.
 */
export const CHECK = { blocks: 500, workerBlocks: 250_000, calls: 1045, seconds: 30 } as const;
/** A statement over the Data API, as an event waits for it. */
export const CALL_SECONDS = 0.03;

/** About ¼ of a vCPU belongs to an Aurora capacity unit of 2 GiB (an r-class instance has 8 GiB a vCPU), and half of it should be free. */
export const CPU_AN_ACU = 0.25;
export const BUSY_PART = 0.5;

/** What an edge logs a month: a line of figures a minute (1.5 KB), and what happens. A function logs some 600 bytes a run. */
export const EDGE_LOG_BYTES = 0.15e9;
export const RUN_LOG_BYTES = 600;
/** Metrics that Container Insights makes of a cluster and a service, and of a task with its container. */
export const INSIGHTS = { cluster: 25, task: 30 } as const;
/** A visitor's page that stays open asks about once in ten seconds, 2 KB; one miner in twenty has one open for an hour a day. */
export const PAGE = { calls: 360 * 30, bytes: 2048, partOfMiners: 0.05 } as const;
