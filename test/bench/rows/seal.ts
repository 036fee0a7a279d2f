/** From a job that is over, with all its work in the books, to its seal. */

import { createSealer } from "../../../functions/accounting/sealer.ts";
import { systemClock } from "../../../shared/clock.ts";
import { type Db, sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addBlock, addJob } from "../../support/books.ts";
import type { Bench, Opened, Row, Setting, Values } from "../bench.ts";
import { type BooksUnderTest, openBooks } from "../books.ts";
import type { Room } from "../room.ts";

const SIZES = [1_000, 10_000, 100_000];
/** So many times as small. */
const QUICK = 100;
const REWARD = 900_000_000_000n;

/** One worker a user: as many payouts as workers. */
async function makeJob(db: Db, height: number, workers: number): Promise<void> {
  await addJob(db, height);
  await db.execute(
    sql`INSERT INTO users (name) SELECT 'user' || n FROM generate_series(1, ${workers}::int) n ON CONFLICT DO NOTHING`,
  );
  await db.execute(sql`INSERT INTO work (job, user_name, worker, shares, work, best)
    SELECT ${height}::int, 'user' || n, 'rig', 60, 60 * 65536 + n, 1 FROM generate_series(1, ${workers}::int) n`);
  await addBlock(db, height, REWARD);
}

async function sealJob({ db, cpuSeconds }: BooksUnderTest, height: number, workers: number) {
  await makeJob(db, height, workers);
  const [startMs, before] = [performance.now(), cpuSeconds()];
  const sealed = await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();
  const seconds = (performance.now() - startMs) / 1000;
  const cpu = cpuSeconds() - before;
  const [block] = sealed;
  if (block === undefined || block.shares !== BigInt(60 * workers) || block.fee + block.paid !== REWARD)
    throw new Error(`job ${height}: expected a seal of ${60 * workers} shares that pays the whole reward`);
  return { seconds, cpu };
}

async function open({ quick }: Setting, room: Room): Promise<Opened> {
  const books = await openBooks(room);
  let height = 1_000;
  const ours = async (): Promise<Values> => {
    const values: Record<string, number> = {};
    for (const size of SIZES) {
      const { seconds, cpu } = await sealJob(books, height++, quick ? size / QUICK : size);
      values[`seal-${size}`] = seconds;
      if (cpu > 0) values[`seal-${size}-cpu`] = cpu;
    }
    return values;
  };
  // What runs for the first time is compiled and planned meanwhile.
  if (!quick) await sealJob(books, height++, Math.min(...SIZES));
  return { ours, peer: undefined };
}

function rowsOf(size: number): [string, Row][] {
  const of = `a job of ${size.toLocaleString("en")} workers, one a user`;
  return [
    [
      `seal-${size}`,
      { unit: "s", what: `until ${of} is sealed`, better: "less", growth: { of: "seal, by workers", size } },
    ],
    [`seal-${size}-cpu`, { unit: "s", what: `PostgreSQL's CPU for the seal of ${of}`, better: "less" }],
  ];
}

export const SEAL: Bench = {
  name: "seal",
  what: "from a job that is over, with all its work in the books, to its seal, each commit on disk",
  rounds: 3,
  rows: Object.fromEntries(SIZES.flatMap(rowsOf)),
  open,
};
