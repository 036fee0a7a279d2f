/** The canary against the real server and the real books: what it measures, where it fails, and what it never does. */

import { duplexPair } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NO_METRICS } from "../../../edge/stratum/metrics.ts";
import { NO_ORDERS } from "../../../edge/stratum/orders.ts";
import { StratumServer } from "../../../edge/stratum/server.ts";
import { canaryAddress, createCanary } from "../../../infra/canary/canary.ts";
import { bytesToU64, concat, fromHex } from "../../../shared/bytes.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { lastProbe, noteProbe, type Probe, probeSummary } from "../../../shared/db/canary.ts";
import { applyDelta } from "../../../shared/db/deltas.ts";
import { endNotice, giveNotice } from "../../../shared/db/notices.ts";
import { sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addEpoch, addJob, addUsers, deltaBody } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import { HASH_A, ScriptedBackend } from "../../support/stratum/harness.ts";

const HEIGHT = 1000;
const hasher = smallHasher(10);
let database: TestDatabase;
let backend: ScriptedBackend;
let probes: Probe[] = [];
let seq = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  await addUsers(database.db, "ops");
  await addJob(database.db, HEIGHT);
  await addEpoch(database.db, { slot: 0, epoch: 1, firstJob: HEIGHT });
});
beforeEach(async () => {
  backend = new ScriptedBackend();
  probes = [];
  await database.db.execute(sql`DELETE FROM canary`);
});
afterAll(() => database.drop());

/** A share that was acknowledged reaches the books a moment later. */
const booking = async (): ReturnType<ScriptedBackend["verdict"]> => {
  seq += 1;
  const body = deltaBody({ job: HEIGHT, seq }, { "ops/canary": 1 }, 16n);
  setTimeout(() => void applyDelta(database.db, body), 300);
  return { kind: "accepted" };
};

function canary(change: { shares?: number; timeoutMs?: number; mines?: boolean } = {}) {
  const server = new StratumServer(
    {},
    {
      ...{ backend, orders: NO_ORDERS, clock: systemClock, random: systemRandom, logger: SILENT },
      metrics: NO_METRICS,
    },
  );
  const { shares = 2, timeoutMs = 60_000, mines = true } = change;
  const settings = { user: "ops", shares, timeoutMs };
  const address = { host: "pool.example.com", port: 1234, tls: false };
  return createCanary(settings, address, {
    ...{ db: database.db, clock: systemClock, random: systemRandom, logger: SILENT },
    hasher: mines ? hasher : undefined,
    onProbe: (probe) => probes.push(probe),
    dial: async (to) => {
      expect(to).toEqual(address);
      const [ours, theirs] = duplexPair();
      server.accept(theirs, "10.0.0.1");
      return ours;
    },
  });
}

const MEASURED = expect.any(Number);
/** Wrong where nothing was measured: nulls are no numbers. */
const upTo = (step: "job" | "row") => ({
  ...{ connectMs: MEASURED, loginMs: MEASURED, jobMs: MEASURED },
  ...(step === "row" ? { answerMs: MEASURED, rowMs: MEASURED } : { answerMs: null, rowMs: null }),
});

describe("a look", () => {
  it("connects, logs in, gets a job, sends a share that is right, and finds it in the books", async () => {
    backend.verdict = booking;
    await canary()();

    expect(probes).toEqual([
      expect.objectContaining({ failedAt: null, words: "", height: HEIGHT, ...upTo("row") }),
    ]);
    expect(probes[0]?.rowMs).toBeGreaterThanOrEqual(200);
    expect(await lastProbe(database.db)).toEqual(probes[0]);
    expect(backend.logins).toMatchObject([{ user: "ops", worker: "canary", password: "" }]);
    const [share] = backend.shares;
    const [hash] = await hasher.hash([concat(fromHex(HASH_A), fromHex(share?.nonce ?? ""))]);
    expect(bytesToU64(hash ?? new Uint8Array(8))).toBe(BigInt(`0x${share?.target}`));
    // The easiest target that the pool gives: some sixteen hashes.
    expect(backend.granted.at(-1)?.target).toBe(0xf000_0000_0000_0000n);
  });

  it("finds no more shares of a block than it may, and measures the rest all the same", async () => {
    backend.verdict = booking;
    const look = canary({ shares: 2 });
    for (let i = 0; i < 4; i++) await look();

    expect(backend.shares).toHaveLength(2);
    expect(new Set(backend.shares.map(({ nonce }) => nonce)).size).toBe(2);
    expect(probes.map(({ answerMs }) => answerMs !== null)).toEqual([true, true, false, false]);
    expect(probes.every(({ failedAt }) => failedAt === null)).toBe(true);
  });

  it("ends at the job where there is nothing to hash with", async () => {
    await canary({ mines: false })();

    expect(probes).toEqual([expect.objectContaining({ failedAt: null, ...upTo("job") })]);
    expect(backend.shares).toEqual([]);
  });

  it("is none while the miners are stopped for maintenance, who have no job then", async () => {
    const notice = { kind: "maintenance", words: "a new disk", inMs: 0, forMs: 60_000, by: "boss" } as const;
    const { id = 0n } = (await giveNotice(database.db, notice)) ?? {};
    backend.job = undefined;
    await canary({ timeoutMs: 1_000 })();
    expect(probes).toEqual([]);

    await endNotice(database.db, id, "boss");
    await canary({ timeoutMs: 1_000 })();
    expect(probes).toEqual([expect.objectContaining({ failedAt: "job" })]);
  });

  it("says at which step it failed, and why", async () => {
    const failing = async (change: () => void): Promise<unknown> => {
      backend = new ScriptedBackend();
      change();
      await canary({ timeoutMs: 1_000 })();
      const { failedAt, words } = probes.at(-1) ?? {};
      return [failedAt, words];
    };

    expect(
      await failing(() => {
        backend.login = async () => ({ kind: "refused", reason: "no such account" });
      }),
    ).toEqual(["login", expect.stringContaining("no such account")]);
    expect(
      await failing(() => {
        backend.job = undefined;
      }),
    ).toEqual(["job", "it took too long"]);
    expect(
      await failing(() => {
        backend.verdict = async () => ({ kind: "refused", code: "busy", reason: "the disk is full" });
      }),
    ).toEqual(["answer", expect.stringMatching(/^the share was refused: /)]);
    expect(await failing(() => undefined)).toEqual(["row", "it took too long"]);
    await createCanary(
      { user: "ops", shares: 2, timeoutMs: 1_000 },
      { host: "127.0.0.1", port: 1, tls: false },
      {
        db: database.db,
        clock: systemClock,
        random: systemRandom,
        logger: SILENT,
        onProbe: (probe) => probes.push(probe),
      },
    )();
    expect(probes.at(-1)).toMatchObject({ failedAt: "connect", connectMs: null });
  });
});

describe("the uptime", () => {
  const NONE = { words: "", height: null, connectMs: 1, loginMs: 2, jobMs: 3, answerMs: null, rowMs: null };
  const noted = (minute: number, failedAt: Probe["failedAt"] = null): Promise<void> =>
    noteProbe(database.db, { atMs: minute * 60_000, failedAt, ...NONE });
  const over = (fromMinute: number, nowMinute: number) =>
    probeSummary(database.db, { fromMs: fromMinute * 60_000, nowMs: nowMinute * 60_000, everyMs: 300_000 });

  it("is the part of the time in which looks went well, and hours without a look are none", async () => {
    expect(await over(0, 100)).toMatchObject({ probes: 0, uptime: null, firstMs: null });

    for (const minute of [1000, 1005, 1010, 1015]) await noted(minute);
    expect(await over(0, 1020)).toMatchObject({
      probes: 4,
      uptime: 1,
      firstMs: 60_000_000,
      connectMs: 1,
      rowMs: null,
    });
    await noted(1020, "login");
    expect((await over(0, 1025)).uptime).toBeCloseTo(20 / 25, 6);
    // A look speaks for ten minutes at most: from 1030 on nothing is known.
    expect((await over(0, 1040)).uptime).toBeCloseTo(20 / 40, 6);
    await noted(1040);
    expect((await over(0, 1050)).uptime).toBeCloseTo(30 / 50, 6);
    expect((await over(1039, 1050)).uptime).toBe(1);
  });

  it("forgets what is older than eight days", async () => {
    await noted(0);
    await noted(8 * 1440 + 1);

    expect(await over(-1, 10 * 1440)).toMatchObject({ probes: 1 });
  });
});

describe("the address", () => {
  const address = (canary: string, domain: string, host: string) =>
    canaryAddress(
      {
        canary: { user: "ops", address: canary, tls: true, every: 1, shares: 1 },
        stratum: { domain, host },
      },
      1235,
    );

  it("is the one that is set, else the pool's name, else this machine", () => {
    expect(address("[2001:db8::1]:99", "pool.example.com", "::")).toEqual({
      host: "2001:db8::1",
      port: 99,
      tls: true,
    });
    expect(address("", "pool.example.com", "::")).toEqual({
      host: "pool.example.com",
      port: 1235,
      tls: true,
    });
    expect(address("", "", "::").host).toMatch(/^(localhost|127\.0\.0\.1|::1)$/);
  });
});
