/** `prosper audit --json`: its exact form, and that its figures agree with each other. */

import * as v from "valibot";
import { expect } from "vitest";
import { prosper, type RunOptions } from "./prosper.ts";

const amount = v.pipe(
  v.string(),
  v.regex(/^-?\d+$/),
  v.transform((text) => BigInt(text)),
);
const auditForm = v.strictObject({
  blocks: v.number(),
  reward: amount,
  fee: amount,
  paid: amount,
  carried: amount,
  conserved: v.literal(true),
  adjusted: amount,
  users: v.record(
    v.string(),
    v.strictObject({
      accepted: v.number(),
      work: amount,
      booked: amount,
      adjusted: amount,
      paidOut: amount,
      owed: amount,
    }),
  ),
});

export type Audit = v.InferOutput<typeof auditForm>;

/** Runs it and checks what must hold at all times. */
export async function audit(dataDir: string, options: RunOptions = {}): Promise<Audit> {
  const { code, stdout, stderr } = await prosper(["audit", "--json", "--data-dir", dataDir], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^\{.*\}\n$/);
  const books = v.parse(auditForm, JSON.parse(stdout));
  expect(books.fee + books.paid + books.carried).toBe(books.reward);
  const users = Object.values(books.users);
  expect(users.reduce((sum, user) => sum + user.booked, 0n)).toBe(books.paid);
  expect(users.reduce((sum, user) => sum + user.adjusted, 0n)).toBe(books.adjusted);
  for (const user of users) expect(user.owed).toBe(user.booked + user.adjusted - user.paidOut);
  return books;
}
