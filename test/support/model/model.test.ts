import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { systemClock } from "../../../shared/clock.ts";
import { insertUser, registerWithInvite } from "../../../shared/db/accounts.ts";
import { type BlockRow, latestBlock, writeBlock } from "../../../shared/db/blocks.ts";
import { applyClose, applyDelta, applyDeltas, unparkDeltas } from "../../../shared/db/deltas.ts";
import {
  acquireLease,
  type EdgeRecords,
  edgeRecords,
  endExpiredEpochs,
  releaseLease,
  renewLease,
  type SlotGrant,
} from "../../../shared/db/edges.ts";
import { recordReceipt } from "../../../shared/db/payments.ts";
import { type Db, json, jsonText, one, sql } from "../../../shared/db/port.ts";
import { closeJob, lookAfterJobs, readLeaves, sealCandidate, sealedSince } from "../../../shared/db/seals.ts";
import { confirmWorkers } from "../../../shared/db/workers.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addJob, closeBody, deltaBody } from "../books.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { Chance } from "../random.ts";
import { modelEdgeRecords } from "./edges.ts";
import { ModelServer } from "./server.ts";
import { modelDb } from "./statements.ts";

/** One of the two: the real server, or the model that stands for it in the simulator. */
interface Side {
  readonly db: Db;
  readonly records: EdgeRecords;
  addJob(height: number): Promise<void>;
}

const USERS = ["ann", "bob", "cid"];
const FIRST = 1000;
const LAST = 1010;
const HOUR_MS = 3_600_000;
/** So few that names are booked with the rest. */
const LIMITS = { inJob: 3, newInDay: 1 };

/** What a call came to: its value, or the code it was refused with. */
async function told(call: Promise<unknown>): Promise<string> {
  return call.then(
    (value) => json(value) ?? "nothing",
    (error: { code?: string }) => `refused: ${error.code}`,
  );
}

type Step = (side: Side) => Promise<unknown>;

/** Draws a step from the same numbers for both sides. */
function drawStep(chance: Chance, grants: SlotGrant[]): Step {
  const height = FIRST + chance.whole(0, 3);
  const key = { job: height, slot: chance.whole(0, 1), epoch: chance.whole(1, 2) };
  const seq = chance.whole(0, 3);
  const grant = grants.length === 0 ? { slot: 0, epoch: 1, firstJob: undefined } : chance.pick(grants);
  const edgeId = chance.pick(["edge-a", "edge-b"]);
  const leaseMs = chance.pick([-HOUR_MS, HOUR_MS]);
  const user = chance.hit(0.03) ? "nobody" : chance.pick(USERS);
  const shares = chance.whole(1, 3);
  const reward = chance.hit(0.2) ? 0n : BigInt(chance.whole(1, 1e9));
  const epoch = BigInt(chance.pick([1, 1, 1, 2, 3]));
  const receipt = [
    { entryHash: `e${chance.whole(0, 6)}`, user, address: "FA", amount: BigInt(chance.whole(1, 100)) },
  ];
  const rig = chance.pick(["a", "b", "c", "d"]);
  const plain = deltaBody(
    { ...key, seq },
    { [`${user}/${rig}`]: shares, "bob/b": 1, "cid/a": chance.whole(0, 1) },
  );
  const hit = { judged: `${chance.whole(0, 3)}`, sent: chance.whole(0, 2) };
  const told = `"rejected":1,${JSON.stringify(hit).slice(1, -1)}`;
  const body = chance.hit(0.5) ? plain : plain.replaceAll('"rejected":1', told);
  // Deltas with the same workers, with the same key, with a stranger, with new names.
  const batch = Array.from({ length: chance.whole(1, 4) }, () => {
    const owner = chance.hit(0.1) ? "nobody" : chance.pick(USERS);
    const given = { [`${owner}/${chance.pick(["a", "b", "c", "d"])}`]: chance.whole(0, 3), "bob/b": 1 };
    return deltaBody({ ...key, seq: chance.whole(0, 6) }, given).replaceAll('"rejected":1', told);
  });
  const row = blockRow(height, reward);
  const lastSeq = chance.whole(-1, 3);
  const forced = chance.hit(0.5);
  const lease = { name: "chain", holder: edgeId, leaseMs };
  const name = `guest-${chance.whole(0, 3)}`;
  const code = `code-${chance.whole(0, 2)}`;
  const ranges = [{ ...key, fromSeq: 0, toSeq: 3 }];
  return chance.pick<Step>([
    ({ addJob: add }) => add(height),
    ({ addJob: add }) => add(height),
    ({ db }) => applyDelta(db, body, LIMITS),
    ({ db }) => applyDelta(db, body, LIMITS),
    ({ db }) => applyDelta(db, body, LIMITS),
    ({ db }) => applyDeltas(db, height, batch, LIMITS),
    ({ db }) => applyDeltas(db, height, batch, LIMITS),
    ({ db }) => confirmWorkers(db, chance.pick(USERS), [rig], { ...LIMITS, inJob: 1 }),
    ({ db }) => applyClose(db, v.parse(closeMarker, JSON.parse(closeBody(key, lastSeq)))),
    ({ db }) => unparkDeltas(db, LIMITS),
    ({ db }) => lookAfterJobs(db, 30_000),
    async ({ db }) => {
      // How long each side took is not the same.
      const { watchedMs: _watched, closedMs: _closed, ...candidate } = (await sealCandidate(db)) ?? {};
      return candidate;
    },
    ({ db }) => closeJob(db, height, forced),
    ({ db }) => readLeaves(db, height, { pageRows: 2 }),
    ({ db }) => writeBlock(db, row, [], epoch),
    ({ db }) => writeBlock(db, row, [], epoch),
    ({ db }) => latestBlock(db),
    ({ db }) => createSealer({ deadlineMs: forced ? 0 : HOUR_MS }, { db, clock, logger: SILENT }).run(),
    ({ db }) => recordReceipt(db, receipt),
    ({ db }) => registerWithInvite(db, { name, password: null, payoutAddress: null }, code),
    ({ db }) => acquireLease(db, lease),
    ({ db }) => createSealer({ deadlineMs: 0 }, { db, clock, logger: SILENT }).run(),
    ({ db }) => renewLease(db, lease, epoch),
    ({ db }) => releaseLease(db, "chain", edgeId, epoch),
    ({ db }) => endExpiredEpochs(db, 0),
    async ({ records }) => {
      const granted = await records.acquireSlot({ edgeId, leaseMs, lateMs: 0 });
      if (granted !== undefined) grants.push(granted);
      return granted;
    },
    ({ records }) => records.renewSlot(edgeId, grant, leaseMs),
    ({ records }) => records.coverJob(edgeId, grant, height),
    ({ records }) => records.endEpoch(edgeId, grant),
    ({ records }) => records.unmarkedJobs(edgeId),
    ({ records }) => records.appliedSeqs(ranges),
    ({ records }) => records.fullyApplied([{ ...key, lastSeq: seq }]),
  ]);
}

/** So that every seed seals and pays something too: all heights get their blocks, and one more job with work is sealed. */
function lastSteps(chance: Chance): Step[] {
  const blocks = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);
  const bookAll: Step = async ({ db }) => {
    const epoch = await acquireLease(db, { name: "chain", holder: "edge-a", leaseMs: HOUR_MS });
    if (epoch === undefined) return "held by another";
    const done: string[] = [];
    for (const height of blocks)
      done.push(await told(writeBlock(db, blockRow(height, 1_000_003n), [], epoch)));
    return done;
  };
  const pay: Step[] = Array.from({ length: 12 }, () => {
    const [entry, user] = [`e${chance.whole(0, 4)}`, chance.pick(USERS)];
    const amount = BigInt(chance.whole(1, 600_000));
    return ({ db }) => recordReceipt(db, [{ entryHash: entry, user, address: "FA", amount }]);
  });
  return [
    ({ addJob: add }) => add(LAST),
    ({ db }) => applyDelta(db, deltaBody({ job: LAST, seq: 0 }, { "ann/a": 3, "bob/b": 2, "cid/": 2 })),
    bookAll,
    ({ db }) => createSealer({ deadlineMs: 0 }, { db, clock, logger: SILENT }).run(),
    ({ db }) => sealedSince(db, -1),
    ...pay,
  ];
}

function blockRow(height: number, reward: bigint): BlockRow {
  return {
    ...{
      height,
      version: 5,
      keyMr: `k${height}`,
      at: 0,
      entries: 30,
      graded: true,
      winners: [],
      prices: null,
    },
    ...{ minTarget: null, ema: null, networkHashrate: null, winning: 1, reward },
  };
}

const clock = { ...systemClock, wallMs: () => 1_700_000_000_000 };
const closeMarker = v.object({
  v: v.literal(1),
  kind: v.literal("close"),
  ...{ job: v.number(), slot: v.number(), epoch: v.number(), lastSeq: v.number() },
});

/** The real side forgets: the append-only rows too, by the one statement that no trigger sees. */
async function empty(db: Db): Promise<void> {
  const { names } = await one(
    db,
    sql`SELECT string_agg(quote_ident(tablename), ', ') AS names FROM pg_tables
      WHERE schemaname = 'public' AND tablename <> 'migrations'`,
    v.object({ names: v.string() }),
  );
  await db.execute({ text: `TRUNCATE ${names} CASCADE`, values: [] });
  await db.execute(sql`INSERT INTO invites (code) VALUES ('code-0'), ('code-1')`);
  for (const name of USERS) await insertUser(db, { name, password: null, payoutAddress: null });
}

function modelSide(): Side & { server: ModelServer } {
  const server = new ModelServer({ nowMs: () => Date.now(), pause: async () => undefined });
  for (const user of USERS) server.tables.users.add(user);
  for (const code of ["code-0", "code-1"]) server.tables.invites.set(code, undefined);
  return {
    server,
    db: modelDb(server),
    records: modelEdgeRecords(server, () => 4096),
    async addJob(height) {
      const { jobs } = server.tables;
      if (jobs.has(height)) throw Object.assign(new Error(), { code: "db-conflict" });
      const isLate = [...jobs.values()].some((job) => job.height > height && job.state !== "open");
      if (isLate) throw Object.assign(new Error(), { code: "db-error" });
      jobs.set(height, {
        ...{ height, oprHash: "", createdAtMs: 0, rate: 5_000_000n, split: "largest-remainder" },
        ...{
          credit: "assigned",
          state: "open",
          closedSeen: false,
          lookedAtMs: null,
          watchedMs: 0,
          closedMs: 0,
          forced: false,
          sealed: undefined,
        },
      });
    },
  };
}

/** All sums and payouts, as text. */
async function booksOf(db: Db): Promise<string> {
  const row = await one(
    db,
    sql`SELECT jsonb_build_object(
      'work', (SELECT jsonb_agg(concat_ws(' ', job, user_name, worker, shares, work, best, rejected, late_shares) ORDER BY job, user_name, worker) FROM work),
      'payouts', (SELECT jsonb_agg(concat_ws(' ', job, attempt, user_name, shares, work, amount) ORDER BY job, attempt, user_name) FROM payouts),
      'payments', (SELECT jsonb_agg(concat_ws(' ', entry_hash, user_name, amount) ORDER BY entry_hash, user_name) FROM payments),
      'deltas', (SELECT jsonb_agg(concat_ws('/', job, slot, epoch, seq, COALESCE(into_job, -1), COALESCE(array_to_string(folded, '.'), 'parked'), COALESCE(array_to_string(dropped, '.'), ''))
        ORDER BY job, slot, epoch, seq) FROM deltas),
      'tallies', (SELECT jsonb_agg(concat_ws(' ', job, user_name, judged, sent) ORDER BY job, user_name) FROM tallies),
      'workers', (SELECT jsonb_agg(concat_ws(' ', user_name, worker, state) ORDER BY user_name, worker) FROM workers))::text AS books`,
    v.object({ books: v.pipe(jsonText, v.record(v.string(), v.nullable(v.array(v.string())))) }),
  );
  return JSON.stringify(
    Object.entries(row.books)
      .map(([name, rows]) => [name, rows ?? []])
      .sort(),
  );
}

function modelBooksOf({ tables }: ModelServer): string {
  const heights = [...tables.work.keys()].sort((a, b) => a - b);
  const work = heights.flatMap((job) =>
    tables.sums(job).map((row) => {
      const { user, worker, shares, work: sum, best, rejected, late } = row;
      return [job, user, worker, shares, sum, best, rejected, late].join(" ");
    }),
  );
  const payouts = [...tables.payouts].flatMap(([job, attempts]) =>
    [...attempts].flatMap(([attempt, users]) =>
      [...users.values()].map((row) => [job, attempt, row.user, row.shares, row.work, row.amount].join(" ")),
    ),
  );
  const payments = tables.payments.map(({ entryHash, user, amount }) => [entryHash, user, amount].join(" "));
  const deltas = [...tables.deltas].map(
    ([key, { into, folded, dropped }]) =>
      `${key}/${into ?? -1}/${folded?.join(".") ?? "parked"}/${dropped.join(".")}`,
  );
  const workers = [...tables.workers.values()].map(({ user, worker, state }) => `${user} ${worker} ${state}`);
  const sorted = (rows: string[]): string[] => rows.sort((a, b) => (a < b ? -1 : 1));
  return JSON.stringify([
    ["deltas", sorted(deltas)],
    ["payments", sorted(payments)],
    ["payouts", sorted(payouts)],
    ["tallies", sorted([...tables.tallies].map(([key, { judged, sent }]) => `${key} ${judged} ${sent}`))],
    ["work", work],
    ["workers", sorted(workers)],
  ]);
}

describe("the simulator's model of the database", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it("answers every statement as PostgreSQL does, and ends with the same books", {
    timeout: 60_000,
  }, async () => {
    const outcomes = new Map<string, number>();
    let folded = 0;
    for (let seed = 1; seed <= 8; seed++) {
      await empty(database.db);
      const real: Side = {
        db: database.db,
        records: edgeRecords(database.db),
        addJob: (height) => addJob(database.db, height, { madeMs: 0 }),
      };
      const model = modelSide();
      const chance = new Chance(seed);
      const again = new Chance(seed);
      const realGrants: SlotGrant[] = [];
      const modelGrants: SlotGrant[] = [];
      const steps = [
        ...Array.from(
          { length: 150 },
          () => [drawStep(chance, realGrants), drawStep(again, modelGrants)] as const,
        ),
        ...lastSteps(new Chance(seed)).map((step) => [step, step] as const),
      ];
      for (const [index, [onReal, onModel]] of steps.entries()) {
        const ofReal = await told(onReal(real));
        const ofModel = await told(onModel(model));
        expect(ofModel, `seed ${seed}, step ${index}`).toBe(ofReal);
        outcomes.set(ofReal, (outcomes.get(ofReal) ?? 0) + 1);
      }
      expect(modelBooksOf(model.server), `seed ${seed}`).toBe(await booksOf(database.db));
      for (const delta of model.server.tables.deltas.values()) folded += delta.folded?.length ?? 0;
      expect(await told(sealedSince(model.db, -1)), `seed ${seed}`).toBe(
        await told(sealedSince(database.db, -1)),
      );
    }
    // It was no empty exercise.
    const all = [...outcomes.keys()].join();
    for (const word of [
      "applied",
      "dup",
      "conflict",
      "unknown-user",
      "recorded",
      "exceeds",
      "registered",
      "bad-invite",
      "refused: lease-lost",
    ])
      expect(all).toContain(word);
    expect(all).toMatch(/"paid":"[1-9]/);
    expect(folded).toBeGreaterThan(20);
  });
});
