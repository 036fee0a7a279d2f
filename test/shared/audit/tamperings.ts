/** Each kind of row that the books are made of, changed in the books of `bookEverything` (test/support/replayed-pool.ts). */

import { createHash } from "node:crypto";
import { type Sql, sql } from "../../../shared/db/port.ts";
import { deltaBody } from "../../support/books.ts";

/** What is changed, by which statements, and what the replay must say of it. */
export type Tampering = [what: string, changes: Sql[], named: string];

const sha = (body: string): string => createHash("sha256").update(body).digest("hex");
const swapped = deltaBody({ job: 15, seq: 0 }, { "ann/a": 50 });
const added = deltaBody({ job: 15, seq: 7 }, { "ann/a": 1 });

export const TAMPERINGS: readonly Tampering[] = [
  [
    "shares of a worker",
    [sql`UPDATE work SET shares = shares + 1 WHERE job = 10 AND user_name = 'cid'`],
    "job 10, work of cid/c: shares is 8, the records make 7",
  ],
  [
    "work of a worker",
    [sql`UPDATE work SET work = work - 1 WHERE job = 10 AND user_name = 'cid'`],
    "job 10, work of cid/c: work is 458751, the records make 458752",
  ],
  [
    "work of a job that still runs",
    [sql`UPDATE work SET work = work + 1 WHERE job = 16`],
    "job 16, work of cid/c: work is 589825, the records make 589824",
  ],
  [
    "a worker's best",
    [sql`UPDATE work SET best = 1 WHERE job = 10 AND worker = ''`],
    "job 10, work of ann/: best is 1",
  ],
  [
    "refused shares",
    [sql`UPDATE work SET rejected = 0 WHERE job = 10 AND user_name = 'cid'`],
    "job 10, work of cid/c: rejected is 0, the records make 1",
  ],
  [
    "late shares",
    [sql`UPDATE work SET late_shares = 0 WHERE job = 12 AND user_name = 'dan'`],
    "job 12, work of dan/: lateShares is 0, the records make 1",
  ],
  [
    "a worker that never worked",
    [sql`INSERT INTO work VALUES (10, 'dan', 'x', 1, 1, 1)`],
    "job 10, work of dan/x: the records make no such row",
  ],
  [
    "a worker left out",
    [sql`DELETE FROM work WHERE job = 10 AND user_name = 'bob'`],
    "job 10, work of bob/b: there is no such row, the records make one",
  ],
  [
    "work under another name",
    [sql`UPDATE work SET user_name = 'dan' WHERE job = 10 AND user_name = 'bob'`],
    "job 10, work of dan/b: the records make no such row",
  ],
  [
    "work of a job that never was",
    [sql`INSERT INTO work VALUES (14, 'ann', 'x', 1, 1, 1)`],
    "job 14: it does not exist, but has work",
  ],
  [
    "a payout",
    [sql`UPDATE payouts SET amount = amount + 1 WHERE job = 10 AND user_name = 'bob'`],
    "block 10, payout of bob: amount is",
  ],
  [
    "a payout's work",
    [sql`UPDATE payouts SET work = work + 1 WHERE job = 12 AND user_name = 'ann'`],
    "block 12, payout of ann: work is",
  ],
  [
    "a payout left out",
    [sql`DELETE FROM payouts WHERE job = 15 AND user_name = 'bob'`],
    "block 15, payout of bob: there is no such row",
  ],
  [
    "a payout made up",
    [sql`INSERT INTO payouts SELECT job, attempt, 'dan', 0, 0, 5 FROM payouts WHERE job = 15 LIMIT 1`],
    "block 15, payout of dan: the records make no such row",
  ],
  [
    "a payout of no seal",
    [sql`INSERT INTO payouts VALUES (15, 'x', 'dan', 0, 0, 5)`],
    "block 15: 1 payouts belong to no seal",
  ],
  [
    "a payout of an open job",
    [sql`INSERT INTO payouts VALUES (16, 'x', 'dan', 0, 0, 5)`],
    "job 16: it is open, but has payouts",
  ],
  [
    "a fee",
    [sql`UPDATE jobs SET fee = fee + 1, paid = paid - 1 WHERE height = 10`],
    "block 10: fee is 50001, the records make 50000",
  ],
  [
    "what was paid",
    [sql`UPDATE jobs SET paid = paid - 1, carried = carried + 1 WHERE height = 10`],
    "block 10: paid is 950002",
  ],
  [
    "a carry",
    [sql`UPDATE jobs SET carried_in = carried_in + 1, carried = carried + 1 WHERE height = 15`],
    "block 15: carriedIn is",
  ],
  [
    "what is carried on",
    [sql`UPDATE jobs SET carried = carried - 1, fee = fee + 1 WHERE height = 11`],
    "block 11: carried is 449, the records make 450",
  ],
  ["a root", [sql`UPDATE jobs SET root = md5(root) WHERE height = 12`], "block 12: root is"],
  [
    "an attempt's name",
    [
      sql`UPDATE jobs SET attempt = 'x' WHERE height = 12`,
      sql`UPDATE payouts SET attempt = 'x' WHERE job = 12`,
    ],
    "block 12: attempt is x",
  ],
  ["a job's shares", [sql`UPDATE jobs SET shares = shares + 1 WHERE height = 12`], "block 12: shares is"],
  ["a job's work", [sql`UPDATE jobs SET work = work + 1 WHERE height = 12`], "block 12: work is"],
  [
    "a job's places",
    [sql`UPDATE jobs SET winning = 25 WHERE height = 12`],
    "block 12: winning is 25, the records make 3",
  ],
  [
    "a job's reward",
    [sql`UPDATE jobs SET reward = reward + 1, carried = carried + 1 WHERE height = 12`],
    "block 12: reward is 77778",
  ],
  [
    "a fee rate",
    [sql`UPDATE jobs SET fee_rate = 0 WHERE height = 10`],
    "block 10: fee is 50000, the records make 0",
  ],
  ["a split", [sql`UPDATE jobs SET split = 'largest-remainder' WHERE height = 12`], "block 12: paid is"],
  [
    "a credit mode",
    [sql`UPDATE jobs SET credit = 'assigned' WHERE height = 12`],
    "job 12, work of bob/late: work is",
  ],
  [
    "a job opened again",
    [sql`UPDATE jobs SET state = 'open' WHERE height = 11`],
    "job 11: it is not sealed though a higher one is",
  ],
  ["a job left out", [sql`DELETE FROM jobs WHERE height = 11`], "delta 11/0/1/0: its job does not exist"],
  [
    "a block's reward",
    [sql`UPDATE blocks SET reward = reward + 1 WHERE height = 10`],
    "block 10: reward is 1000003, the records make 1000004",
  ],
  [
    "a block left out",
    [sql`DELETE FROM blocks WHERE height = 10`],
    "block 10: it is sealed, but the chain's block is not there",
  ],
  [
    "whose a place is",
    [sql`UPDATE block_places SET ours = false WHERE position = 1`],
    "block 15: reward is 9999, the records make 0",
  ],
  [
    "a jobless reward",
    [sql`UPDATE jobless_rewards SET reward = 41 WHERE height = 13`],
    "block 13, without a job: reward is 41, the records make 40",
  ],
  [
    "a jobless reward left out",
    [sql`DELETE FROM jobless_rewards WHERE height = 14`],
    "block 14: it paid us without a job, and its reward is booked nowhere",
  ],
  [
    "a jobless reward moved",
    [sql`UPDATE jobless_rewards SET into_job = 16 WHERE height = 13`],
    "block 15: carriedIn is",
  ],
  [
    "a jobless reward of a job",
    [sql`INSERT INTO jobless_rewards VALUES (12, 77777, 15)`],
    "block 12, without a job: reward is 77777, the records make nothing",
  ],
  ["a delta's body", [sql`UPDATE deltas SET body = ${swapped} WHERE job = 15`], "delta 15/0/1/0: sha256 is"],
  [
    "a delta's body and hash",
    [sql`UPDATE deltas SET body = ${swapped}, sha256 = ${sha(swapped)} WHERE job = 15`],
    "job 15, work of ann/a: shares is 2, the records make 51",
  ],
  [
    "a delta that is none",
    [sql`UPDATE deltas SET body = '{}' WHERE job = 15`],
    "delta 15/0/1/0: its body is no delta",
  ],
  [
    "a delta under another key",
    [sql`UPDATE deltas SET seq = 9 WHERE job = 15`],
    "delta 15/0/1/9: seq is 9, the records make 0",
  ],
  [
    "a delta left out",
    [sql`DELETE FROM deltas WHERE job = 10 AND seq = 1`],
    "job 10, work of cid/c: the records make no such row",
  ],
  [
    "a delta made up",
    [sql`INSERT INTO deltas VALUES (15, 0, 1, 7, ${sha(added)}, ${added}, 15)`],
    "job 15, work of ann/a: shares is 2, the records make 3",
  ],
  [
    "a late delta moved",
    [sql`UPDATE deltas SET into_job = 15 WHERE job = 10 AND seq = 2`],
    "job 12, work of dan/: the records make no such row",
  ],
  [
    "a delta booked into an earlier job",
    [sql`UPDATE deltas SET into_job = 10 WHERE job = 15`],
    "delta 15/0/1/0: it is booked into job 10, an earlier one",
  ],
  [
    "a delta booked into no job",
    [sql`UPDATE deltas SET into_job = 99 WHERE job = 16`],
    "job 99: deltas are booked into it, but it does not exist",
  ],
  [
    "an adjustment",
    [sql`UPDATE adjustments SET amount = 8 WHERE user_name = 'ann'`],
    "adjustment 1 of ann: amount is 8, the records make -7",
  ],
  [
    "an adjustment's reason",
    [sql`UPDATE adjustments SET reason = 'x' WHERE user_name = 'ann'`],
    "adjustment 1 of ann: reason is x, the records make paid twice",
  ],
  [
    "an adjustment's user",
    [sql`UPDATE adjustments SET user_name = 'bob' WHERE user_name = 'ann'`],
    "adjustment 1 of bob: user is bob, the records make ann",
  ],
  [
    "an adjustment left out",
    [sql`DELETE FROM adjustments WHERE user_name = 'ann'`],
    "money log 1: the adjustment 1 that it tells of is missing",
  ],
  [
    "an adjustment made up",
    [sql`INSERT INTO adjustments (user_name, amount, reason, made_by) VALUES ('ann', 5, 'r', 'x')`],
    "of ann: the money log does not know it",
  ],
  [
    "a payment",
    [sql`UPDATE payments SET amount = 99 WHERE user_name = 'ann'`],
    "payment f1 to ann: amount is 99, the records make 100",
  ],
  [
    "a payment's address",
    [sql`UPDATE payments SET address = 'FA-x' WHERE user_name = 'ann'`],
    "payment f1 to ann: address is FA-x",
  ],
  [
    "a payment left out",
    [sql`DELETE FROM payments WHERE user_name = 'ann'`],
    "money log 3: the payment f1 ann that it tells of is missing",
  ],
  [
    "a payment made up",
    [sql`INSERT INTO payments VALUES ('f2', 'ann', 'FA', 5)`],
    "payment f2 to ann: the money log does not know it",
  ],
  [
    "the money log's body with the row",
    [
      sql`UPDATE adjustments SET amount = 8 WHERE user_name = 'ann'`,
      sql`UPDATE money_log SET body = replace(body, '"-7"', '"8"') WHERE id = 1`,
    ],
    "money log 1: sha256 is",
  ],
  [
    "the money log's hash",
    [sql`UPDATE money_log SET sha256 = md5(sha256) WHERE id = 1`],
    "money log 2: sha256 is",
  ],
  [
    "the money log and its row left out",
    [sql`DELETE FROM money_log WHERE id = 2`, sql`DELETE FROM adjustments WHERE user_name = 'dan'`],
    "money log 3: the one before it, 2, is missing",
  ],
  [
    "a user left out",
    [sql`DELETE FROM users WHERE name = 'bob'`],
    "user bob: money is booked, but there is no such user",
  ],
  [
    "a balance",
    [
      sql`CREATE OR REPLACE VIEW balances AS SELECT name AS user_name, payout_address, 0::numeric AS booked, 0::numeric AS adjusted,
    0::numeric AS paid_out, 0::numeric AS owed FROM users`,
    ],
    "user ann: booked is 0, the records make",
  ],
];
