import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { feeRate } from "../../../shared/accounting/fee.ts";
import { merkleSumRoot, type WorkLeaf } from "../../../shared/accounting/merkle.ts";
import {
  attemptId,
  decideSeal,
  isOverdue,
  type SealCandidate,
  settleReward,
} from "../../../shared/accounting/seal.ts";

const sha256 = (...parts: Buffer[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();
const big = (value: bigint | number, bytes: number): Buffer =>
  Buffer.from(value.toString(16).padStart(bytes * 2, "0"), "hex");
const leafHash = ({ user, worker, shares, work }: WorkLeaf): Buffer =>
  sha256(
    Buffer.of(0, user.length),
    Buffer.from(user),
    Buffer.of(worker.length),
    Buffer.from(worker),
    big(shares, 8),
    big(work, 32),
  );

const leaf = (user: string, worker: string, shares: bigint, work: bigint): WorkLeaf => ({
  user,
  worker,
  shares,
  work,
});
const A = leaf("ann", "", 1n, 10n);
const B = leaf("ann", "rig", 2n, 20n);
const C = leaf("bob", "rig", 4n, 40n);

describe("the Merkle-sum root", () => {
  it("is built as documented", () => {
    const node = (left: Buffer, ls: number, lw: number, right: Buffer, rs: number, rw: number): Buffer =>
      sha256(Buffer.of(1), left, big(ls, 8), big(lw, 32), right, big(rs, 8), big(rw, 32));
    const ab = node(leafHash(A), 1, 10, leafHash(B), 2, 20);
    const top = node(ab, 3, 30, leafHash(C), 4, 40);

    const root = merkleSumRoot(1000, [A, B, C]);

    expect(root).toBe(
      sha256(Buffer.of(2), big(1000, 4), big(3, 4), top, big(7, 8), big(70, 32)).toString("hex"),
    );
    expect(merkleSumRoot(5, [])).toBe(
      sha256(Buffer.of(2), big(5, 4), Buffer.alloc(4 + 32 + 8 + 32)).toString("hex"),
    );
  });

  it("changes with every field of every leaf, with the height, and with a leaf left out or moved between names", () => {
    const roots = [
      merkleSumRoot(1, [A, B, C]),
      merkleSumRoot(2, [A, B, C]),
      merkleSumRoot(1, [A, B]),
      merkleSumRoot(1, [A, C]),
      merkleSumRoot(1, [A, { ...B, shares: 3n }, C]),
      merkleSumRoot(1, [A, { ...B, work: 21n }, C]),
      merkleSumRoot(1, [{ ...A, work: 11n }, { ...B, work: 19n }, C]),
      merkleSumRoot(1, [A, { ...B, worker: "rih" }, C]),
      merkleSumRoot(1, [A, { ...B, user: "annr", worker: "ig" }, C]),
    ];

    expect(new Set(roots).size).toBe(roots.length);
  });

  it("wants its leaves in byte order, each once", () => {
    expect(() => merkleSumRoot(1, [B, A])).toThrow("byte order");
    expect(() => merkleSumRoot(1, [A, A])).toThrow("byte order");
  });
});

describe("a settlement", () => {
  it("conserves money and sums up its leaves, whatever they are", () => {
    const leaves = fc.uniqueArray(
      fc.record({
        user: fc.constantFrom("a", "b", "c"),
        worker: fc.constantFrom("", "x", "y"),
        shares: fc.bigInt(0n, 99n),
        work: fc.bigInt(0n, 10n ** 38n),
      }),
      {
        selector: ({ user, worker }) => `${user},${worker}`,
      },
    );
    const money = fc.bigInt(0n, 10n ** 18n);
    fc.assert(
      fc.property(
        leaves,
        money,
        money,
        fc.bigInt(0n, 99_999_999n),
        fc.constantFrom("largest-remainder", "reference"),
        (unsorted, reward, carriedIn, rate, split) => {
          const sorted = unsorted.toSorted((a, b) =>
            `${a.user},${a.worker}` < `${b.user},${b.worker}` ? -1 : 1,
          );

          const settled = settleReward({
            height: 1,
            reward,
            carriedIn,
            rate: feeRate(rate),
            split: split as "reference",
            leaves: sorted,
          });

          expect(settled.fee + settled.paid + settled.carried).toBe(reward + carriedIn);
          expect(settled.work).toBe(sorted.reduce((sum, { work }) => sum + work, 0n));
          expect(settled.shares).toBe(sorted.reduce((sum, { shares }) => sum + shares, 0n));
          expect(new Set(settled.users.map(({ user }) => user))).toEqual(
            new Set(sorted.map(({ user }) => user)),
          );
        },
      ),
    );
  });

  it("has an attempt id that every amount of it changes", () => {
    const settled = settleReward({
      height: 1,
      reward: 100n,
      carriedIn: 0n,
      rate: feeRate(0n),
      split: "largest-remainder",
      leaves: [A, B, C],
    });
    const moved = settled.users.map((user, i) => ({ ...user, amount: user.amount + (i === 0 ? 1n : -1n) }));

    expect(attemptId({ ...settled, users: moved })).not.toBe(attemptId(settled));
    expect(attemptId({ ...settled })).toBe(attemptId(settled));
  });
});

describe("the decision to seal", () => {
  const missing = [{ slot: 1, epoch: "1", edgeId: "e", lastSeq: 3, applied: 2 }];
  const ready: SealCandidate = {
    height: 1,
    watchedMs: 0,
    state: "open",
    closed: true,
    rewarded: true,
    closedMs: 0,
    missing: [],
  };
  it.each<[string, Partial<SealCandidate>, unknown]>([
    ["seals what is complete", {}, { kind: "seal", forced: false }],
    ["waits while the job is mined", { closed: false }, { kind: "wait", reason: "open" }],
    [
      "waits for the reward beyond any deadline",
      { rewarded: false, missing, closedMs: 99_999 },
      { kind: "wait", reason: "no-reward" },
    ],
    [
      "waits for missing work until the deadline",
      { missing, closedMs: 499 },
      { kind: "wait", reason: "missing-work" },
    ],
    ["forces at the deadline", { missing, closedMs: 500 }, { kind: "seal", forced: true }],
    [
      "waits where the deadline has not begun, however long the job was watched",
      { missing, watchedMs: 99_999 },
      { kind: "wait", reason: "missing-work" },
    ],
    [
      "finishes what an earlier attempt closed",
      { state: "closing", missing },
      { kind: "seal", forced: false },
    ],
  ])("%s", (_, candidate, decision) => {
    expect(decideSeal({ ...ready, ...candidate }, 500)).toEqual(decision);
  });

  it.each<[string, number, boolean]>([
    ["is not overdue while it was watched for less than two deadlines", 999, false],
    ["is overdue once it was watched for two deadlines", 1000, true],
  ])("%s", (_, watchedMs, expected) => {
    expect(isOverdue({ watchedMs }, 500)).toBe(expected);
  });
});
