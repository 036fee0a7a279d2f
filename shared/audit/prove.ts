/**
 * Checks the books at a cost that does not grow with them (docs/design.md, "Money is conserved"): what was sealed since the last check is proved
 * from its rows, on top of what was proved before, and some old blocks are looked at again, round and round. `auditBooks` and the replay look at
 * everything at once; those are commands.
 */

import { addProved, lookedAgain, markProved, readProved } from "../db/books-proved.ts";
import type { Db } from "../db/port.ts";
import { type BlockRange, findDisagreements, LAST_HEIGHT, readSeals, recomputeSeal } from "./audit.ts";

/** Blocks that one statement compares. */
const PAGE = 50;
/** Old blocks looked at again in one check. Hourly: a year of 10-minute blocks in four and a half days. */
const AGAIN_BLOCKS = 500;

export interface Proof {
  /** One sentence for each thing that does not agree. The row does not go past it: the next check finds it again, until it is right. */
  readonly problems: readonly string[];
  /** False where `signal` ended it before the newest block. What was proved is kept: the next check goes on from there. */
  readonly isComplete: boolean;
}

/** Proves what is new, then looks again at `againBlocks` old ones, as far as `signal` leaves time. */
export async function proveBooks(
  db: Db,
  signal: AbortSignal,
  againBlocks: number = AGAIN_BLOCKS,
): Promise<Proof> {
  const fresh = await proveNew(db, signal);
  if (!fresh.isComplete || fresh.problems.length > 0) return fresh;
  await markProved(db);
  return { problems: await lookAgain(db, signal, againBlocks), isComplete: true };
}

async function proveNew(db: Db, signal: AbortSignal): Promise<Proof> {
  for (;;) {
    const { through } = await readProved(db);
    const page = await checkPage(db, { after: through, through: LAST_HEIGHT }, PAGE, signal);
    await addProved(db, through, page.reached);
    const { problems } = page;
    if (problems.length > 0 || page.blocks === 0) return { problems, isComplete: true };
    if (page.agreeing < page.blocks) return { problems, isComplete: false };
  }
}

async function lookAgain(db: Db, signal: AbortSignal, most: number): Promise<readonly string[]> {
  for (let left = most; left > 0 && !signal.aborted; ) {
    const { again, through } = await readProved(db);
    const page = await checkPage(db, { after: again, through }, Math.min(PAGE, left), signal);
    if (page.problems.length === 0) await lookedAgain(db, again, page.reached, page.reached === through);
    if (page.problems.length > 0 || page.blocks === 0 || page.reached === through) return page.problems;
    left -= page.agreeing;
  }
  return [];
}

interface Page {
  /** Blocks that there are in it, and how many of them, from the first on, agree and were reached in time. */
  readonly blocks: number;
  readonly agreeing: number;
  /** The last of those; the range's `after` where there is none. */
  readonly reached: number;
  readonly problems: readonly string[];
}

async function checkPage(db: Db, range: BlockRange, rows: number, signal: AbortSignal): Promise<Page> {
  const { after } = range;
  const seals = await readSeals(db, range, rows);
  const problems = await findDisagreements(db, { after, through: seals.at(-1)?.height ?? after });
  let agreeing = 0;
  for (const seal of seals) {
    if (signal.aborted || problems.length > 0) break;
    problems.push(...(await recomputeSeal(db, seal)));
    if (problems.length === 0) agreeing++;
  }
  return { blocks: seals.length, agreeing, reached: seals[agreeing - 1]?.height ?? after, problems };
}
