/**
 * How long `prosper verify` takes on a block of 10,000 workers: one worker's proof, one of all workers at once (no user has so many:
 * the whole block as a file), the command as a person runs it, and how many of 1,000 random forgeries are caught. `node test/bench/verify.ts [workers]`
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { toHex } from "../../shared/bytes.ts";
import { WorkTree } from "../../shared/proofs/merkle-proof.ts";
import { proofFile } from "../../shared/proofs/proof-file.ts";
import { verifyProof } from "../../shared/proofs/verify.ts";
import { tryForgeries } from "../support/forgeries.ts";
import { blockOf, diceOf, fileOf, POOL_KEYS } from "../support/proofs.ts";

const workers = Number(process.argv[2] ?? 10_000);
const ROUNDS = 5;

function fastest(name: string, run: () => void): void {
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  console.log(
    `${name.padEnd(58)} ${Math.min(...times)
      .toFixed(1)
      .padStart(8)} ms`,
  );
}

function check(text: string, root: string): void {
  const file = v.parse(proofFile, JSON.parse(text));
  if (verifyProof(file, { root }).some(({ ok }) => !ok)) throw new Error("an honest proof was refused");
}

const leaves = blockOf(workers, diceOf("bench"));
const whole = leaves.map((leaf, i) => ({
  ...leaf,
  user: "farm",
  worker: `rig${String(i).padStart(6, "0")}`,
}));
const tree = new WorkTree(1000, leaves);
const farm = new WorkTree(1000, whole);
const one = JSON.stringify(fileOf(tree, leaves[workers >> 1]?.user ?? "", leaves[workers >> 1]?.worker));
const all = JSON.stringify({ ...fileOf(farm, "farm"), receipts: [] });

console.log(
  `a block of ${workers} workers; files of ${one.length} and ${all.length} bytes; fastest of ${ROUNDS}`,
);
fastest("build the tree (the pool, once a block)", () => void new WorkTree(1000, leaves));
fastest("one worker's proof and receipt, parsed and checked", () => check(one, tree.root));
fastest("all workers' proof, parsed and checked", () => check(all, farm.root));

const { made, missed, kinds } = tryForgeries(1000, toHex(POOL_KEYS.publicKey), () => tree);
console.log(`${made - missed.length} of ${made} random forgeries of ${kinds} kinds caught`);

const folder = mkdtempSync(join(tmpdir(), "prosper-bench-"));
const command = join(import.meta.dirname, "../../infra/launch/prosper.mjs");
for (const [name, text, root] of [
  ["one worker", one, tree.root],
  ["all workers", all, farm.root],
] as const) {
  const path = join(folder, "proof.json");
  writeFileSync(path, text);
  fastest(`prosper verify of ${name}, with the start of Node`, () => {
    const { status, stderr } = spawnSync(process.execPath, [command, "verify", path, "--root", root]);
    if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
  });
}
rmSync(folder, { recursive: true });
