/** `npm run test:chaos [-- --seed S --kills N]`: real processes killed at random, and the books compared with what miners were told. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import * as v from "valibot";
import { auditBooks } from "../../../shared/audit/audit.ts";
import { replayBooks } from "../../../shared/audit/replay.ts";
import { sleep, systemClock } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { migrate } from "../../../shared/db/migrate.ts";
import { type Db, one, sql } from "../../../shared/db/port.ts";
import { REST_WORKER } from "../../../shared/messages/summary.ts";
import { Chance } from "../../support/random.ts";
import { Database } from "./database.ts";
import { type PartOptions, REPLAYER, USERS } from "./options.ts";
import { Part } from "./part.ts";
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
const EDGES = 3;
const BITS = 10;
const DRAIN_MS = 180_000;

type Kind = "edge" | "database" | "queue" | "functions";

/** What went wrong, one sentence each. */
const problems: string[] = [];
const recovered = new Map<Kind, number[]>();
const rejected: string[] = [];
/** Blocks that were sealed by the deadline, without waiting for somebody's work any longer. */
const forced: number[] = [];
/** Processes that were running and were killed. */
const killed = new Map<Kind, number>();

function countKill(kind: Kind): void {
  killed.set(kind, (killed.get(kind) ?? 0) + 1);
}

function note(kind: Kind, ms: number): void {
  recovered.set(kind, [...(recovered.get(kind) ?? []), ms]);
}

interface Pool {
  readonly database: Database;
  readonly edges: readonly Part[];
  readonly queue: Part;
  readonly functions: Part;
  readonly devnet: Part;
  readonly miners: Part;
  readonly ports: readonly number[];
}

/** What the miners tell, the newest. */
let minersTell: Record<string, unknown> = {};

async function startPool(folder: string, database: Database, started: Part[]): Promise<Pool> {
  await database.start();
  const part = (...args: ConstructorParameters<typeof Part>): Part => {
    const made = new Part(...args);
    started.push(made);
    return made;
  };
  const db = openPg({ url: database.url });
  await migrate(db);
  for (const name of [...USERS, REPLAYER])
    await insertUser(db, { name, password: null, payoutAddress: null });
  await db.close();
  const base: PartOptions = {
    ...{ folder, databaseUrl: database.url, bits: BITS, port: 0, seed: SEED, edgePorts: [] },
    ...{ factomd: "", feed: "", queue: "", miners: Number(values.miners) },
    blockMs: Number(values["block-seconds"]) * 1000,
    shareEveryMs: Number(values["share-seconds"]) * 1000,
  };
  const devnet = part("devnet", "devnet", base);
  const net = await begin(devnet);
  const queue = part("queue", "queue", base);
  const queueReady = await begin(queue);
  const all = {
    ...base,
    factomd: String(net["factomd"]),
    feed: String(net["feed"]),
    queue: `http://127.0.0.1:${queueReady["port"]}`,
  };
  const functions = part("functions", "functions", all, (message) => {
    if (message["rejected"] !== undefined) rejected.push(String(message["rejected"]));
    if (message["forced"] !== undefined) forced.push(Number(message["forced"]));
  });
  await functions.start();
  const edges = Array.from({ length: EDGES }, (_, n) => {
    const name = `edge-${n + 1}`;
    return part(name, "edge", { ...all, folder: join(folder, name) }, (message) => {
      // A fenced or failed edge ends by itself and is started again like one that was killed.
      if (message["fatal"] !== undefined) problems.push(`${name} gave up: ${message["fatal"]}`);
    });
  });
  const ready = await Promise.all(edges.map(begin));
  const ports = ready.map((message) => Number(message["port"]));
  const miners = part("miners", "miners", { ...all, edgePorts: ports }, (message) => {
    minersTell = message;
  });
  return { database, edges, queue, functions, devnet, miners, ports };
}

/** The first start of a part: nobody kills it yet. */
async function begin(part: Part): Promise<Record<string, unknown>> {
  const started = await part.start();
  if (started === undefined) throw new Error(`${part.name} did not start`);
  return started.message;
}

/** A sixth as many of each other part as of edges. */
function othersOf(kills: number): number {
  return Math.max(1, Math.round(kills / 6));
}

/** Kinds in a random order. */
function drawKills(chance: Chance): Kind[] {
  const others = othersOf(KILLS);
  const kinds: Kind[] = [
    ...Array<Kind>(KILLS).fill("edge"),
    ...(["database", "queue", "functions"] as const).flatMap((kind) => Array<Kind>(others).fill(kind)),
  ];
  return kinds
    .map((kind) => ({ kind, key: chance.unit() }))
    .sort((a, b) => a.key - b.key)
    .map(({ kind }) => kind);
}

/** Kills of one part come one after the other. */
const turns = new Map<Part | Database, Promise<void>>();

function killOne(kind: Kind, pool: Pool, chance: Chance): Promise<void> {
  const target = kind === "edge" ? chance.pick(pool.edges) : pool[kind];
  const work = async (): Promise<void> =>
    target instanceof Part ? killPart(kind, target, chance) : killDatabase(target);
  const turn = (turns.get(target) ?? Promise.resolve()).then(work);
  turns.set(
    target,
    turn.catch(() => undefined),
  );
  return turn;
}

async function killDatabase(database: Database): Promise<void> {
  const startMs = performance.now();
  await database.kill();
  countKill("database");
  await database.start();
  note("database", performance.now() - startMs);
}

async function killPart(kind: Kind, part: Part, chance: Chance): Promise<void> {
  // It may have ended by itself: that is a problem of its own.
  if (!part.isRunning()) await part.start();
  if (await part.kill()) countKill(kind);
  await sleep(systemClock, chance.between(0, 400));
  if (chance.hit(0.2)) {
    const starting = part.start();
    await sleep(systemClock, chance.between(0, 900));
    // In the middle of its recovery, most times.
    if (await part.kill()) countKill(kind);
    await starting;
  }
  const started = await part.start();
  if (started !== undefined) note(kind, started.ms);
}

async function killAll(pool: Pool, chance: Chance): Promise<void> {
  const kinds = drawKills(chance);
  const busy = new Set<Promise<void>>();
  for (const [index, kind] of kinds.entries()) {
    await sleep(systemClock, chance.between(50, 1_200));
    const work = killOne(kind, pool, chance).catch(
      (error: unknown) => void problems.push(`${kind}: ${error}`),
    );
    busy.add(work);
    void work.then(() => busy.delete(work));
    // Most wait until the part is back; some fall into the recovery of another.
    if (kind === "edge" || chance.hit(0.6)) await work;
    if ((index + 1) % 25 === 0)
      console.log(`${index + 1} of ${kinds.length} kills; ${JSON.stringify(minersTell["totals"])}`);
  }
  await Promise.all(busy);
}

const minerSum = v.object({
  ...{ user: v.string(), worker: v.string() },
  ...{ job: v.number(), sure: v.number(), unsure: v.number(), sureWork: v.number(), unsureWork: v.number() },
});
const finalWords = v.object({
  totals: v.record(v.string(), v.number()),
  refusals: v.record(v.string(), v.number()),
  problems: v.array(v.string()),
  acknowledged: v.object({ p50: v.number(), p99: v.number(), max: v.number() }),
  sums: v.array(minerSum),
  /** Hashes that cheating miners made while they were told to. */
  cheats: v.array(v.object({ user: v.string(), worker: v.string(), made: v.number() })),
});
type FinalWords = v.InferOutput<typeof finalWords>;

interface Booked {
  readonly shares: number;
  readonly work: number;
}

/** Shares and work in the books by the job they were mined for, user and worker. */
async function bookedShares(db: Db): Promise<Map<string, Booked>> {
  const rows = await db.query(
    sql`SELECT d.job, r."user", r.worker, sum(r.shares)::int AS shares, sum(r.work)::float8 AS work
      FROM deltas d, jsonb_to_recordset(d.body::jsonb -> 'rows') AS r("user" text, worker text, shares numeric, work numeric)
      GROUP BY d.job, r."user", r.worker`,
    v.object({ job: v.number(), user: v.string(), worker: v.string(), shares: v.number(), work: v.number() }),
  );
  return new Map(rows.map(({ job, user, worker, ...booked }) => [`${job} ${user} ${worker}`, booked]));
}

/** By how many σ a cheat's credited work may be above the hashes that it made. */
const MOST_SIGMA = 6;

/** No cheat is credited more than the hashes it made while told to. A share of d hashes brings a variance of d². */
function checkCheats({ cheats }: FinalWords, booked: ReadonlyMap<string, Booked>): void {
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

/** Acknowledged shares that are missing, and shares beyond what could have been counted. */
interface Comparison {
  readonly lost: number;
  readonly surplus: number;
  /** Workers whose work in a job is not that of their shares at their prefixes' targets. */
  readonly wrongWork: readonly string[];
  /** Lost shares by job. */
  readonly where: ReadonlyMap<number, number>;
}

function compare(words: FinalWords, booked: ReadonlyMap<string, Booked>): Comparison {
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

async function waitForBooks(db: Db, words: FinalWords): Promise<Comparison & { drainMs: number }> {
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

async function auditByCommand(url: string): Promise<{ conserved: boolean }> {
  const prosper = fileURLToPath(new URL("../../../infra/launch/prosper.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [prosper, "audit", "--json"], {
    env: { ...process.env, DATABASE_URL: url },
  });
  return v.parse(v.pipe(v.string(), v.parseJson(), v.object({ conserved: v.boolean() })), stdout.trim());
}

function printTable(): void {
  console.log("\nkilled       kills   came back   ready again in ms: median    p99     max");
  for (const [kind, times] of recovered) {
    const sorted = [...times].sort((a, b) => a - b);
    const at = (part: number): string =>
      Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0)
        .toString()
        .padStart(7);
    console.log(
      `${kind.padEnd(12)} ${String(killed.get(kind) ?? 0).padStart(5)}   ${String(times.length).padStart(9)}   ${" ".repeat(17)}${at(0.5)} ${at(0.99)} ${at(1)}`,
    );
  }
}

/** A run that killed, mined or sealed too little has shown nothing. */
function checkExtent(acked: number, sealed: number): void {
  const others = othersOf(KILLS);
  for (const [kind, asked] of [
    ["edge", KILLS],
    ...(["database", "queue", "functions"] as const).map((kind) => [kind, others] as const),
  ] as const)
    if ((killed.get(kind) ?? 0) < asked)
      problems.push(`${kind} was killed ${killed.get(kind) ?? 0} times, not ${asked}`);
  if (acked < 50 * KILLS) problems.push(`only ${acked} shares were acknowledged`);
  if (sealed < 2) problems.push(`only ${sealed} blocks are sealed`);
}

async function run(pool: Pool, chance: Chance): Promise<void> {
  const replay = await replayOneShare(pool.ports, BITS, chance);
  console.log(
    `replays: ${replay.sent} variants of one share over 20 connections on ${EDGES} edges, taken ${replay.taken} times; ${JSON.stringify(replay.answers)}`,
  );
  if (replay.taken !== 1) problems.push(`one share was acknowledged ${replay.taken} times`);
  await pool.miners.start();
  await sleep(systemClock, 5_000);
  const startMs = performance.now();
  await killAll(pool, chance);
  console.log(`the last kill after ${Math.round((performance.now() - startMs) / 1000)} s`);
  for (const part of [...pool.edges, pool.queue, pool.functions]) if (!part.isRunning()) await part.start();
  await sleep(systemClock, 3_000);
  pool.miners.write("stop\n");
  while (minersTell["over"] !== true) await sleep(systemClock, 200);
  const words = v.parse(finalWords, minersTell);
  problems.push(...words.problems);
  const db = openPg({ url: pool.database.url });
  const { lost, surplus, wrongWork, where, drainMs } = await waitForBooks(db, words);
  const booked = await bookedShares(db);
  const ofReplayer = [...booked].filter(([key]) => key.includes(` ${REPLAYER} `));
  const replayed = ofReplayer.reduce((sum, [, { shares }]) => sum + shares, 0);
  if (replayed !== 1) problems.push(`the replayed share is booked ${replayed} times`);
  const audit = await auditBooks(db);
  // Sums, folded names and tallies too, from the deltas alone.
  const again = await replayBooks(db, { named: 20 });
  const { folded, judged } = await one(
    db,
    sql`SELECT (SELECT count(*)::int FROM work WHERE worker = ${REST_WORKER}) AS folded, (SELECT count(*)::int FROM tallies) AS judged`,
    v.object({ folded: v.number(), judged: v.number() }),
  );
  await db.close();
  problems.push(...audit.problems, ...again.audit.problems);
  console.log(
    `replay: ${again.differences} differences; ${folded} rows for rigs beyond the limit, ${judged} tallies`,
  );
  const { conserved } = await auditByCommand(pool.database.url);
  if (!conserved) problems.push("`prosper audit` says that money is not conserved");
  if (lost > 0) problems.push(`${lost} acknowledged shares are lost, by job: ${JSON.stringify([...where])}`);
  if (surplus > 0) problems.push(`${surplus} shares are counted that were not sent so often`);
  for (const code of rejected) problems.push(`the books refused a message: ${code}`);
  for (const what of wrongWork) problems.push(`other work than that of the worker's shares: ${what}`);
  checkCheats(words, booked);
  checkExtent(words.totals["acked"] ?? 0, audit.blocks);
  printTable();
  const { totals, acknowledged } = words;
  console.log(
    `\n${totals["acked"]} shares acknowledged (${JSON.stringify(totals)}), p50 ${acknowledged.p50} ms, p99 ${acknowledged.p99} ms, max ${acknowledged.max} ms`,
  );
  console.log(
    `refused: ${JSON.stringify(words.refusals)}; sealed by the deadline: ${forced.length === 0 ? "none" : forced}`,
  );
  console.log(
    `${audit.blocks} blocks sealed, reward ${audit.reward}, fee ${audit.fee}, paid ${audit.paid}, carried ${audit.carried}; books complete ${Math.round(drainMs)} ms after the last share`,
  );
  console.log(
    `acknowledged and lost: ${lost}   counted twice: ${surplus + totals["replaysTaken"]!}   conserved: ${conserved}`,
  );
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
  await run(await startPool(folder, database, parts), new Chance(SEED));
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
