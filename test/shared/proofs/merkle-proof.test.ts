import { createHash } from "node:crypto";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import {
  GROUP_LEAVES,
  groupLeaves,
  leavesIn,
  merkleSumRoot,
  rootOfGroups,
  type WorkLeaf,
} from "../../../shared/accounting/merkle.ts";
import { toHex } from "../../../shared/bytes.ts";
import { followProof, WorkTree } from "../../../shared/proofs/merkle-proof.ts";
import { type ProofFile, proofFile } from "../../../shared/proofs/proof-file.ts";
import { formatReceipt, proofOf } from "../../../shared/proofs/proof-format.ts";
import { isSigned, receiptText, signReceipt } from "../../../shared/proofs/receipt.ts";
import { verifyProof, verifyReceipt } from "../../../shared/proofs/verify.ts";
import { FORGERIES, isCaught, tryForgeries } from "../../support/forgeries.ts";
import { blockOf, diceOf, fileOf, OTHER_KEYS, POOL_KEYS } from "../../support/proofs.ts";

const KEY = toHex(POOL_KEYS.publicKey);
const leaf = (user: string, worker: string, shares: bigint, work: bigint): WorkLeaf => ({
  ...{ user, worker, shares, work },
});

function never(): never {
  throw new Error("unreachable");
}

/** A verifier written from docs/proofs.md alone, with nothing of ours. */
function documentedRoot(file: ProofFile): string {
  type Node = { hash: Buffer; shares: bigint; work: bigint };
  const sha256 = (...parts: Buffer[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();
  const uint = (value: bigint | number, bytes: number): Buffer =>
    Buffer.from(value.toString(16).padStart(bytes * 2, "0"), "hex");
  const encode = ({ hash, shares, work }: Node): Buffer =>
    Buffer.concat([hash, uint(shares, 8), uint(work, 32)]);
  const path = [...file.path];
  const fold = (from: number, size: number): Node => {
    if (from + size <= file.first || from >= file.first + file.workers.length) {
      const next = path.shift() ?? never();
      return { hash: Buffer.from(next.hash, "hex"), shares: BigInt(next.shares), work: BigInt(next.work) };
    }
    if (size === 1) {
      const one = file.workers[from - file.first] ?? never();
      const names = [one.user, one.worker].flatMap((name) => [uint(name.length, 1), Buffer.from(name)]);
      const [shares, work] = [BigInt(one.shares), BigInt(one.work)];
      return { hash: sha256(Buffer.of(0), ...names, uint(shares, 8), uint(work, 32)), shares, work };
    }
    let m = 1;
    while (m * 2 < size) m *= 2;
    const left = fold(from, m);
    const right = fold(from + m, size - m);
    const hash = sha256(Buffer.of(1), encode(left), encode(right));
    return { hash, shares: left.shares + right.shares, work: left.work + right.work };
  };
  const top = fold(0, file.leaves);
  expect(path).toEqual([]);
  return sha256(Buffer.of(2), uint(file.height, 4), uint(file.leaves, 4), encode(top)).toString("hex");
}

describe("a proof", () => {
  it("of each worker and of each user leads to the block's root and sums, whatever the size of the block", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (count, seed) => {
        const leaves = blockOf(count, diceOf(`${seed}`));
        const tree = new WorkTree(1000, leaves);
        expect(tree.root).toBe(merkleSumRoot(1000, leaves));
        for (const { user, worker } of leaves) {
          for (const proof of [tree.prove(user, worker), tree.prove(user)]) {
            if (proof === undefined) throw new Error("no proof");
            expect(followProof(proof)).toEqual({ ok: true, root: tree.root, ...tree.sums });
            expect(proof.path.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(count + 1)));
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each([1, 255, 256, 257, 511, 512, 513, 769, 1281])(
    "from the leaves of some groups of %i is that of the whole tree",
    (count) => {
      const leaves = blockOf(count, diceOf(`groups of ${count}`));
      const whole = new WorkTree(1000, leaves);
      const groups = groupLeaves(leaves);
      expect(rootOfGroups(1000, groups)).toBe(whole.root);
      for (const [from, to] of [
        [0, 1],
        [groups.length - 1, groups.length],
        [groups.length >> 1, groups.length],
      ] as const) {
        const first = from * GROUP_LEAVES;
        const own = leaves.slice(first, first + leavesIn(groups.slice(from, to)));
        const part = new WorkTree(1000, own, { groups, from });
        expect([part.root, part.sums]).toEqual([whole.root, whole.sums]);
        for (const { user, worker } of [own[0], own.at(-1)].filter((one) => one !== undefined))
          expect(part.prove(user, worker)).toEqual(whole.prove(user, worker));
        expect(part.proveRange(first, first + own.length)).toEqual(
          whole.proveRange(first, first + own.length),
        );
      }
    },
  );

  it("is made from the leaves of whole groups only", () => {
    const leaves = blockOf(600, diceOf("cut"));
    const within = { groups: groupLeaves(leaves), from: 0 };
    expect(() => new WorkTree(1000, leaves.slice(0, 300), within)).toThrow(
      "expected those of whole groups, got 300",
    );
  });

  it("is followed as documented: by hand, from the right leaf of three", () => {
    const sha256 = (...parts: Buffer[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();
    const big = (value: bigint | number, bytes: number): Buffer =>
      Buffer.from(value.toString(16).padStart(bytes * 2, "0"), "hex");
    const tree = new WorkTree(5, [leaf("a", "", 1n, 10n), leaf("b", "", 2n, 20n), leaf("c", "x", 4n, 40n)]);
    const proof = tree.prove("c", "x");

    const own = sha256(
      Buffer.of(0, 1),
      Buffer.from("c"),
      Buffer.of(1),
      Buffer.from("x"),
      big(4, 8),
      big(40, 32),
    );
    const [left] = proof?.path ?? [];
    const top = sha256(
      Buffer.of(1),
      left?.hash ? Buffer.from(left.hash) : Buffer.of(),
      big(3, 8),
      big(30, 32),
      own,
      big(4, 8),
      big(40, 32),
    );
    const root = sha256(Buffer.of(2), big(5, 4), big(3, 4), top, big(7, 8), big(70, 32));
    expect(proof).toMatchObject({ first: 2, leaves: 3, path: [{ shares: 3n, work: 30n }] });
    expect(root.toString("hex")).toBe(tree.root);
  });

  it("of any range is followed by the few lines that docs/proofs.md gives", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), (count, seed) => {
        const dice = diceOf(`documented ${seed}`);
        const tree = new WorkTree(7, blockOf(count, dice));
        const { user, worker } = tree.leaves[dice(count)] ?? never();
        const file = JSON.parse(JSON.stringify(fileOf(tree, user, dice(2) === 0 ? undefined : worker)));
        expect(documentedRoot(file)).toBe(tree.root);
      }),
      { numRuns: 60 },
    );
  });

  it("of a user who is not in the block cannot be made, and none made elsewhere holds", () => {
    const leaves = blockOf(9, diceOf("omitted"));
    const [, , mine] = leaves;
    const published = new WorkTree(
      1000,
      leaves.filter((one) => one !== mine),
    );

    expect(published.prove(mine?.user ?? "", mine?.worker)).toBeUndefined();
    const own = fileOf(new WorkTree(1000, leaves), mine?.user ?? "", mine?.worker);
    expect(verifyProof(own)[0]?.ok).toBe(true);
    expect(isCaught(own, { root: published.root })).toBe(true);
  });

  it("does not take an inner node for a leaf, nor a leaf for an inner node", () => {
    const tree = new WorkTree(1, [
      leaf("a", "", 1n, 10n),
      leaf("b", "", 2n, 20n),
      leaf("c", "", 4n, 40n),
      leaf("d", "", 8n, 80n),
    ]);
    const pair = tree.prove("a");
    if (pair === undefined) throw new Error("no proof");

    const asLeaf = followProof({ ...pair, leaves: 2, path: pair.path.slice(1) });
    const asNode = followProof({
      ...pair,
      leaves: 5,
      path: [...pair.path, { hash: new Uint8Array(32), shares: 0n, work: 0n }],
    });

    expect([asLeaf, asNode].map((verdict) => verdict.ok && verdict.root === tree.root)).toEqual([
      false,
      false,
    ]);
  });

  it("with sums outside of their range, or places outside of the tree, is refused with a reason and never throws", () => {
    const proof = new WorkTree(1, blockOf(6, diceOf("range"))).prove("user00000", "rig1");
    if (proof === undefined) throw new Error("no proof");
    const [node] = proof.path;
    if (node === undefined) throw new Error("no path");
    const path = (shares: bigint, work: bigint) => [{ ...node, shares, work }, ...proof.path.slice(1)];
    const whys = [
      { ...proof, path: path(-1n, 0n) },
      { ...proof, path: path(0n, -1n) },
      { ...proof, path: path((1n << 64n) - 1n, 0n) },
      { ...proof, path: path(0n, (1n << 256n) - 1n) },
      { ...proof, first: -1 },
      { ...proof, first: 6 },
      { ...proof, leaves: 2 ** 32 },
      { ...proof, leaves: Number.NaN },
      { ...proof, workers: [] },
      { ...proof, height: 2 ** 32 + 1 },
    ].map(followProof);

    expect(whys.filter(({ ok }) => ok)).toEqual([]);
  });
});

describe("a forged proof file", () => {
  it("is caught in 1,000 of 1,000 random forgeries of every kind, in blocks of 2 to 61 workers", () => {
    const tally = tryForgeries(
      1000,
      KEY,
      (dice) => new WorkTree(1000 + dice(9), blockOf(2 + dice(60), dice)),
    );

    expect(tally).toEqual({ made: 1000, missed: [], refusedHonest: 0, kinds: Object.keys(FORGERIES).length });
  });

  it("whose root was changed with it holds by itself, and only the published root shows it", () => {
    const leaves = blockOf(8, diceOf("whole"));
    const forged = fileOf(
      new WorkTree(
        1000,
        leaves.map((one, i) => (i === 3 ? { ...one, work: one.work * 2n } : one)),
      ),
      "user00000",
      "rig3",
    );

    expect(isCaught(forged, { keys: [KEY] })).toBe(false);
    expect(isCaught(forged, { keys: [KEY], root: new WorkTree(1000, leaves).root })).toBe(true);
  });

  it("keeps its meaning through JSON", () => {
    const tree = new WorkTree(1000, [
      leaf("a", "", (1n << 64n) - 2n, (1n << 255n) - 1n),
      leaf("b", " x", 1n, 1n),
    ]);
    const file = v.parse(proofFile, JSON.parse(JSON.stringify(fileOf(tree, "b"))));

    expect(followProof(proofOf(file))).toEqual({ ok: true, root: tree.root, ...tree.sums });
    expect(file.receipts[0]).toMatchObject({ user: "b", worker: " x", shares: "1" });
  });
});

describe("a receipt", () => {
  const receipt = {
    pool: "Prosper",
    height: 1000,
    user: "ann",
    worker: "rig 1",
    shares: 61n,
    work: 3_997_696n,
    root: "ab".repeat(32),
    amount: 478_800_000_000n,
  };

  it("signs lines that anybody can write, the same each time", () => {
    expect(receiptText(receipt)).toBe(
      `prosper-receipt 1\npool=Prosper\nheight=1000\nuser=ann\nworker=rig 1\nshares=61\nwork=3997696\nroot=${"ab".repeat(32)}\namount=478800000000\n`,
    );
    expect(signReceipt(receipt, POOL_KEYS)).toEqual(signReceipt({ ...receipt }, POOL_KEYS));
    expect(isSigned(signReceipt(receipt, POOL_KEYS))).toBe(true);
  });

  it("cannot carry a line of its own in a name", () => {
    expect(() => receiptText({ ...receipt, worker: "x\namount=1" })).toThrow("worker");
  });

  it("fails under any other field, key or signature", () => {
    const signed = signReceipt(receipt, POOL_KEYS);
    const others = [
      { pool: "Prospera" },
      { height: 1001 },
      { user: "bob" },
      { worker: "rig 2" },
      { shares: 62n },
      { work: 3_997_697n },
      { root: "ac".repeat(32) },
      { amount: 478_800_000_001n },
      { key: toHex(OTHER_KEYS.publicKey) },
      { signature: signReceipt(receipt, OTHER_KEYS).signature },
    ];

    expect(others.map((other) => isSigned({ ...signed, ...other }))).toEqual(others.map(() => false));
    expect(verifyReceipt(formatReceipt(signed), { keys: [KEY] }).every(({ ok }) => ok)).toBe(true);
    expect(
      verifyReceipt(formatReceipt(signReceipt(receipt, OTHER_KEYS)), { keys: [KEY] }).map(({ ok }) => ok),
    ).toEqual([true, false]);
  });
});
