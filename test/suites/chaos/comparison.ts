/** The books compared with what the miners were told: shares and work of each worker in each job. */

import * as v from "valibot";
import { sleep, systemClock } from "../../../shared/clock.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import type { FinalWords } from "./final-words.ts";
import type { Findings } from "./findings.ts";
import { REPLAYER } from "./options.ts";

const DRAIN_MS = 180_000;
/** By how many σ a cheat's credited work may be above the hashes that it made. */
const MOST_SIGMA = 6;

interface Booked {
  readonly shares: number;
  readonly work: number;
}

/** By job, user and worker. */
export type Bookings = ReadonlyMap<string, Booked>;

/** Acknowledged shares that are missing, and shares beyond what could have been counted. */
interface Comparison {
  readonly lost: number;
  readonly surplus: number;
  /** Workers whose work in a job is not that of their shares at their prefixes' targets. */
  readonly wrongWork: readonly string[];
  /** Lost shares by job. */
  readonly where: ReadonlyMap<number, number>;
}

/** Shares and work in the books by the job they were mined for, user and worker. */
export async function bookedShares(db: Db): Promise<Bookings> {
  const rows = await db.query(
    sql`SELECT d.job, r."user", r.worker, sum(r.shares)::int AS shares, sum(r.work)::float8 AS work
      FROM deltas d, jsonb_to_recordset(d.body::jsonb -> 'rows') AS r("user" text, worker text, shares numeric, work numeric)
      GROUP BY d.job, r."user", r.worker`,
    v.object({ job: v.number(), user: v.string(), worker: v.string(), shares: v.number(), work: v.number() }),
  );
  return new Map(rows.map(({ job, user, worker, ...booked }) => [`${job} ${user} ${worker}`, booked]));
}

/** Until nothing is lost and every job is sealed, or 180 s have passed. */
export async function waitForBooks(
  db: Db,
  words: FinalWords,
  { problems }: Findings,
): Promise<Comparison & { readonly drainMs: number }> {
  const startMs = performance.now();
  const newest = Math.max(...words.sums.map(({ job }) => job));
  for (;;) {
    const result = compare(words, await bookedShares(db));
    const { open } = await one(
      db,
      sql`SELECT count(*)::int AS open FROM jobs WHERE state <> 'sealed' AND height <= ${newest}`,
      v.object({ open: v.number() }),
    );
    const drainMs = performance.now() - startMs;
    if ((result.lost === 0 && open === 0) || drainMs > DRAIN_MS) {
      if (open > 0) problems.push(`${open} jobs are not sealed`);
      return { ...result, drainMs };
    }
    await sleep(systemClock, 1_000);
  }
}

function compare(words: FinalWords, booked: Bookings): Comparison {
  let lost = 0;
  let surplus = 0;
  const where = new Map<number, number>();
  const wrongWork: string[] = [];
  for (const { user, worker, job, sure, unsure, sureWork, unsureWork } of words.sums) {
    const { shares, work } = booked.get(`${job} ${user} ${worker}`) ?? { shares: 0, work: 0 };
    if (work < sureWork || work > sureWork + unsureWork)
      wrongWork.push(
        `job ${job}, ${user},${worker}: ${work} for ${shares} shares; ${sureWork} for ${sure}, and perhaps ${unsureWork} for ${unsure}`,
      );
    const missing = Math.max(0, sure - shares);
    if (missing > 0) where.set(job, (where.get(job) ?? 0) + missing);
    lost += missing;
    surplus += Math.max(0, shares - sure - unsure);
  }
  return { lost, surplus, wrongWork, where };
}

/** The share that was sent a thousand times is booked once. */
export function checkReplayed(booked: Bookings, { problems }: Findings): void {
  const ofReplayer = [...booked].filter(([key]) => key.includes(` ${REPLAYER} `));
  const replayed = ofReplayer.reduce((sum, [, { shares }]) => sum + shares, 0);
  if (replayed !== 1) problems.push(`the replayed share is booked ${replayed} times`);
}

/** No cheat is credited more than the hashes it made while told to. A share of d hashes brings a variance of d². */
export function checkCheats({ cheats }: FinalWords, booked: Bookings, { problems }: Findings): void {
  let made = 0;
  let credited = 0;
  for (const cheat of cheats) {
    const rows = [...booked].filter(([key]) => key.endsWith(` ${cheat.user} ${cheat.worker}`));
    const work = rows.reduce((sum, [, row]) => sum + row.work, 0);
    // Of shares of many targets the mean one says too little: none is above 512 hashes.
    const sigma = Math.sqrt(work * 512);
    made += cheat.made;
    credited += work;
    if (work > cheat.made + MOST_SIGMA * sigma)
      problems.push(`${cheat.worker} is credited ${work} for ${cheat.made} hashes`);
  }
  console.log(
    `cheats: ${made} hashes made while told to, credited ${credited} (${(credited / made).toFixed(2)} ×)`,
  );
}
