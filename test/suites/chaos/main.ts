/** `npm run test:chaos [-- --seed S --kills N]`: real processes killed at random, and the books compared with what miners were told. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { sleep, systemClock } from "../../../shared/clock.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { Chance } from "../../support/random.ts";
import { auditByCommand, auditTwice } from "./audits.ts";
import { bookedShares, checkCheats, checkReplayed, waitForBooks } from "./comparison.ts";
import { Database } from "./database.ts";
import { type FinalWords, finalWords } from "./final-words.ts";
import { Findings } from "./findings.ts";
import { Kills } from "./kills.ts";
import type { Part } from "./part.ts";
import { BITS, type Pool, startPool } from "./pool.ts";
import { replayOneShare } from "./replays.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    /** Of edges; of database, queue and functions a sixth each. */
    kills: { type: "string", default: "18" },
    miners: { type: "string", default: "200" },
    "block-seconds": { type: "string", default: "10" },
    "share-seconds": { type: "string", default: "2" },
  },
});
const SEED = Number(values.seed);
const KILLS = Number(values.kills);

const findings = new Findings();
const { problems } = findings;

async function run(pool: Pool, chance: Chance): Promise<void> {
  const replay = await replayOneShare(pool.ports, BITS, chance);
  console.log(
    `replays: ${replay.sent} variants of one share over 20 connections on ${pool.edges.length} edges, taken ${replay.taken} times; ${JSON.stringify(replay.answers)}`,
  );
  if (replay.taken !== 1) problems.push(`one share was acknowledged ${replay.taken} times`);
  const kills = new Kills(KILLS, { pool, chance, findings });
  const words = await mineAndKill(pool, kills);
  problems.push(...words.problems);
  await judge(words, { pool, kills });
}

/** What the miners say at last. */
async function mineAndKill(pool: Pool, kills: Kills): Promise<FinalWords> {
  await pool.miners.start();
  await sleep(systemClock, 5_000);
  const startMs = performance.now();
  await kills.run();
  console.log(`the last kill after ${Math.round((performance.now() - startMs) / 1000)} s`);
  for (const part of [...pool.edges, pool.queue, pool.functions]) if (!part.isRunning()) await part.start();
  await sleep(systemClock, 3_000);
  pool.miners.write("stop\n");
  while (findings.minersTell["over"] !== true) await sleep(systemClock, 200);
  return v.parse(finalWords, findings.minersTell);
}

async function judge(words: FinalWords, { pool, kills }: { pool: Pool; kills: Kills }): Promise<void> {
  const { totals, acknowledged, refusals } = words;
  const { forced, rejected } = findings;
  const db = openPg({ url: pool.database.url });
  const { lost, surplus, wrongWork, where, drainMs } = await waitForBooks(db, words, findings);
  const booked = await bookedShares(db);
  checkReplayed(booked, findings);
  const audit = await auditTwice(db, findings);
  await db.close();
  const conserved = await auditByCommand(pool.database.url);
  if (!conserved) problems.push("`prosper audit` says that money is not conserved");
  if (lost > 0) problems.push(`${lost} acknowledged shares are lost, by job: ${JSON.stringify([...where])}`);
  if (surplus > 0) problems.push(`${surplus} shares are counted that were not sent so often`);
  for (const code of rejected) problems.push(`the books refused a message: ${code}`);
  for (const what of wrongWork) problems.push(`other work than that of the worker's shares: ${what}`);
  checkCheats(words, booked, findings);
  kills.check();
  checkExtent(totals["acked"] ?? 0, audit.blocks);
  kills.printTable();
  console.log(
    `\n${totals["acked"]} shares acknowledged (${JSON.stringify(totals)}), p50 ${acknowledged.p50} ms, p99 ${acknowledged.p99} ms, max ${acknowledged.max} ms`,
  );
  console.log(
    `refused: ${JSON.stringify(refusals)}; sealed by the deadline: ${forced.length === 0 ? "none" : forced}`,
  );
  console.log(
    `${audit.blocks} blocks sealed, reward ${audit.reward}, fee ${audit.fee}, paid ${audit.paid}, carried ${audit.carried}; books complete ${Math.round(drainMs)} ms after the last share`,
  );
  console.log(
    `acknowledged and lost: ${lost}   counted twice: ${surplus + totals["replaysTaken"]!}   conserved: ${conserved}`,
  );
}

/** A run that mined or sealed too little has shown nothing. */
function checkExtent(acked: number, sealed: number): void {
  if (acked < 50 * KILLS) problems.push(`only ${acked} shares were acknowledged`);
  if (sealed < 2) problems.push(`only ${sealed} blocks are sealed`);
}

const folder = mkdtempSync(join(tmpdir(), "prosper-chaos-"));
const database = new Database(join(folder, "postgres"));
const parts: Part[] = [];
async function stopAll(): Promise<void> {
  await Promise.all(parts.map((part) => part.kill()));
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
}
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => void stopAll().finally(() => process.exit(1)));
try {
  const options = {
    ...{ folder, seed: SEED, miners: Number(values.miners) },
    blockMs: Number(values["block-seconds"]) * 1000,
    shareEveryMs: Number(values["share-seconds"]) * 1000,
  };
  await run(await startPool(options, { database, started: parts, findings }), new Chance(SEED));
} catch (error) {
  problems.push(`the run ended early: ${error instanceof Error ? error.stack : error}`);
}
await stopAll().catch((error: unknown) => console.error(`could not stop everything: ${error}`));
for (const problem of problems.slice(0, 50)) console.error(`PROBLEM: ${problem}`);
console.log(
  problems.length === 0
    ? "\nnothing acknowledged was lost, nothing counted twice"
    : `\nseed ${SEED}: ${problems.length} problems`,
);
process.exit(problems.length === 0 ? 0 : 1);
