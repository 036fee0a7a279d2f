/** What the books must say of users and sums at any moment: I7, I8, I11, I12, and that nothing is in them that no delta brought. */

import { REST_WORKER } from "../../../shared/messages/summary.ts";
import { owed } from "../../support/model/books.ts";
import { SIM_LIMITS } from "../../support/model/names.ts";
import type { Tables } from "../../support/model/tables.ts";
import { Violation } from "./violation.ts";

/** Users by invitation are named so. */
export const GUEST = "guest-";

/** I7. Throws Violation, as the others do. */
export function checkPayments(tables: Tables): void {
  if (tables.payments.length === 0) return;
  for (const user of tables.users)
    if (owed(tables, user) < 0n) throw new Violation(`I7: ${user} was paid more than is owed`);
}

/** I8. */
export function checkInvites(tables: Tables): void {
  const claimed = [...tables.invites.values()].filter((user) => user !== undefined);
  if (new Set(claimed).size !== claimed.length) throw new Violation("I8: two invites made one user");
  const guests = [...tables.users].filter((user) => user.startsWith(GUEST)).length;
  if (guests !== claimed.length)
    throw new Violation(`I8: ${claimed.length} invites were claimed, and ${guests} users made of them`);
}

/** The sums of all jobs are those of the deltas: nothing was added that no delta brought. */
export function checkSums(tables: Tables): void {
  const sum = (values: Iterable<bigint>): bigint => [...values].reduce((total, value) => total + value, 0n);
  const applied = [...tables.deltas.values()].filter(({ into }) => into !== null);
  const brought = sum(applied.flatMap(({ delta }) => delta.rows.map(({ work }) => BigInt(work))));
  const booked = sum([...tables.jobs.keys()].flatMap((job) => tables.sums(job).map(({ work }) => work)));
  if (brought !== booked) throw new Violation(`I1: deltas brought ${brought} work, ${booked} is booked`);
  const judged = sum([...tables.tallies.values()].map((tally) => tally.judged));
  const told = sum(
    [...tables.deltas.values()].flatMap(({ delta }) =>
      delta.rows.map(({ judged: part }) => BigInt(part ?? 0)),
    ),
  );
  if (judged !== told) throw new Violation(`I12: deltas judge ${told} work, ${judged} is kept`);
  for (const job of tables.jobs.keys()) checkNames(tables, job);
}

/** I11: a user's names in a job are bounded, and each has accepted work. */
function checkNames(tables: Tables, job: number): void {
  const rows = tables.sums(job);
  for (const { user, worker, shares } of rows)
    if (shares === 0n)
      throw new Violation(`I11: job ${job}: refused shares alone made a row of ${user}/${worker}`);
  for (const user of tables.users) {
    const names = rows.filter((row) => row.user === user && row.worker !== REST_WORKER).length;
    if (names > SIM_LIMITS.inJob) throw new Violation(`I11: job ${job}: ${user} has ${names} names`);
  }
}
