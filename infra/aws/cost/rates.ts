/** What a pool uses for each miner, block and edge: measured where a command is named, else what is assumed, and why. */

/**
 * `node test/bench/growth.ts 500 3`, 2026-11-29, PostgreSQL 18 on a machine with other work on it: a message a second, 60 shares a block and worker,
 * applied and sealed by the functions' own code.
 */
export const MEASURED = {
  /** Bytes of messages as edges send them, a worker and block. */
  sentBytes: 6114,
  /** Bytes that stay in the database for good, a worker and block: work 202, payouts 218. */
  keptBytes: 420,
  /** Deltas, a worker and block: whole, until they are archived. */
  archivableBytes: 825,
  /** What of their rows stays, and what is in the archive's files. */
  archivedRowBytes: 299,
  archiveFileBytes: 195,
  /** Bytes that are pruned (`worker_minutes`), a worker and block. */
  prunedBytes: 1475,
  /** Redo log, a worker and block: what Aurora writes, in units of 4 KB. */
  logBytes: 27_487,
  /** The same of archiving. */
  archiveLogBytes: 393,
  /** PostgreSQL's CPU, a worker and block. */
  cpuMs: 7.4,
  /** Statements of one event of the queue: to apply it, and to look whether something can be sealed. */
  callsAnEvent: 4,
} as const;

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

/** A poll asks some sources for seconds, mostly waiting; the janitor looks at what is open. */
export const RUNS = { poll: { calls: 3, seconds: 4 }, janitor: { calls: 12, seconds: 1.5 } } as const;
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
