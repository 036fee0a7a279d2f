import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyMessage } from "../../../functions/accounting/apply.ts";
import { createSealer } from "../../../functions/accounting/sealer.ts";
import { VIEWS } from "../../../functions/api/views/views.ts";
import { systemClock } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { confirmWorkers, WORKER_LIMITS } from "../../../shared/db/workers.ts";
import { SILENT } from "../../../shared/logger.ts";
import { MAX_SUMMARY_BYTES, REST_WORKER } from "../../../shared/messages/summary.ts";
import { type ProofFile, proofFile } from "../../../shared/proofs/proof-file.ts";
import { verifyProof } from "../../../shared/proofs/verify.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../support/api.ts";
import { addBlock, addJob, deltaBody, text } from "../../support/books.ts";
import { type TestClient, testClient } from "../../support/http-client.ts";
import { POOL_KEYS } from "../../support/proofs.ts";

let api: TestApi;
let ann: TestClient;
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
  ann = testClient(api.handler);
  await ann.send("POST", "/api/session", { body: { name: "ann", password: PASSWORD } });
});
afterAll(() => api.database.drop());

type Counts = Record<string, readonly [shares: number, rejected: number]>;

/** Ann's shares, taken and refused, in the minute that just began. */
async function mined(job: number, seq: number, workers: Counts): Promise<void> {
  const nowMs = api.clock.wallMs();
  const rows = Object.entries(workers).map(([worker, [shares, rejected]]) => ({
    ...{ user: "ann", worker, shares, work: `${shares * 65_536}`, best: "9", rejected },
  }));
  const body = { v: 1, kind: "delta", job, slot: 0, epoch: 1, seq, fromMs: nowMs, toMs: nowMs, rows };
  await applyMessage(JSON.stringify(body), { db: api.database.db, logger: SILENT });
}

async function me(): Promise<v.InferOutput<typeof VIEWS.Me>> {
  // Beyond the time that an answer is kept.
  api.clock.advance(1_500);
  return v.parse(VIEWS.Me, (await ann.json("GET", "/api/me")).body);
}

describe("the owner's page under made-up names", () => {
  it("shows the owner's rigs first, strangers' refusals nowhere in its rate, and lets the owner say which are his", async () => {
    const { db } = api.database;
    await addJob(db, 10);
    await confirmWorkers(db, "ann", ["shed", "attic"]);
    await mined(10, 0, { shed: [98, 2], attic: [100, 0] });
    const flood: Counts = Object.fromEntries(
      Array.from({ length: 120 }, (_, n) => [`aaa-${n}`, [n < 100 ? 1 : 0, 50] as const]),
    );
    await mined(10, 1, flood);
    await mined(10, 2, { cellar: [4, 0] });

    const flooded = await me();
    expect(flooded.workers.slice(0, 2).map(({ name, kind }) => [name, kind])).toEqual([
      ["attic", "own"],
      ["shed", "own"],
    ]);
    expect(flooded.workers).toHaveLength(2 + WORKER_LIMITS.newInDay + 1);
    expect(flooded.workers.at(-1)).toMatchObject({ name: REST_WORKER, kind: "rest", shares: "88" });
    expect(flooded.rejectRate).toBeCloseTo(0.01, 5);
    expect(flooded.waiting[0]?.name).toBe("cellar");
    expect(flooded.waiting).toHaveLength(64);

    const said = await ann.json("PUT", "/api/me/workers", { body: { own: ["cellar"], strange: ["aaa-0"] } });
    expect(said.status).toBe(200);
    await addJob(db, 11);
    await mined(11, 0, { cellar: [5, 0], "aaa-0": [1, 0] });

    const mended = await me();
    expect(mended.workers.slice(0, 3).map(({ name }) => name)).toEqual(["attic", "cellar", "shed"]);
    expect(mended.workers[1]).toMatchObject({ name: "cellar", kind: "own", lastBlock: 11 });
    expect(mended.waiting.map(({ name }) => name)).not.toContain("cellar");
    const tooMany = Array.from({ length: 500 }, (_, n) => `n${n}`);
    expect((await ann.json("PUT", "/api/me/workers", { body: { own: [...tooMany, "x"] } })).status).toBe(400);
    expect((await ann.json("PUT", "/api/me/workers", { body: { own: ["ü"] } })).status).toBe(400);
    expect((await testClient(api.handler).json("PUT", "/api/me/workers", { body: {} })).status).toBe(401);
  });
});

describe("a block with as many names as a user can have", () => {
  it("has one whole proof, whose receipts for each and for the rest come in parts that hold by themselves, and its work is read page by page", {
    timeout: 120_000,
  }, async () => {
    const { db } = api.database;
    await db.execute(sql`INSERT INTO users (name) VALUES ('farm')`);
    await db.execute(
      sql`UPDATE users SET password = (SELECT password FROM users WHERE name = 'ann') WHERE name = 'farm'`,
    );
    const names = Array.from(
      { length: WORKER_LIMITS.inJob + 200 },
      (_, n) => `rig-${`${n}`.padStart(5, "0")}`,
    );
    expect(await confirmWorkers(db, "farm", names)).toBe(true);
    await addJob(db, 20);
    for (let at = 0, seq = 0; at < names.length; at += 300, seq++) {
      const rows = Object.fromEntries(names.slice(at, at + 300).map((name) => [`farm/${name}`, 1]));
      const body = deltaBody({ job: 20, seq }, rows);
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(MAX_SUMMARY_BYTES);
      await applyMessage(body, { db, logger: SILENT });
    }
    for (const height of [10, 11, 20]) await addBlock(db, height, 1_000_003n);
    await createSealer({ deadlineMs: 0 }, { db, clock: systemClock, logger: SILENT }).run();

    const farm = testClient(api.handler);
    await farm.send("POST", "/api/session", { body: { name: "farm", password: PASSWORD } });
    const parts: ProofFile[] = [];
    for (let query: string | undefined = ""; query !== undefined; ) {
      const reply = await farm.send("GET", "/api/me/blocks/20/proof", { query });
      expect(reply.statusCode).toBe(200);
      // What a Lambda may answer.
      expect((reply.body ?? "").length).toBeLessThan(2_000_000);
      parts.push(v.parse(proofFile, JSON.parse(reply.body ?? "")));
      query = /\?([^>]+)>; rel="next"/.exec(String(reply.headers?.["link"] ?? ""))?.[1];
    }
    const [first] = parts;
    if (first === undefined) throw new Error("no proof");
    const file = { ...first, receipts: parts.flatMap(({ receipts }) => receipts) };
    expect(file.workers).toHaveLength(WORKER_LIMITS.inJob + 1);
    expect(file.receipts).toHaveLength(WORKER_LIMITS.inJob + 1);
    expect(first.receipts.length).toBeLessThan(file.workers.length);
    expect(new Set(file.receipts.map(({ worker }) => worker)).size).toBe(WORKER_LIMITS.inJob + 1);
    for (const part of parts) expect(verifyProof(part).filter(({ ok }) => !ok)).toEqual([]);
    expect(file.workers.find(({ worker }) => worker === REST_WORKER)).toMatchObject({ shares: "200" });
    const checks = verifyProof(file, {
      root: file.root,
      keys: [Buffer.from(POOL_KEYS.publicKey).toString("hex")],
    });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    const proofOfRest = async (): Promise<ProofFile> => {
      const query = `worker=${encodeURIComponent(REST_WORKER)}`;
      return v.parse(proofFile, (await farm.json("GET", "/api/me/blocks/20/proof", { query })).body);
    };
    const rest = await proofOfRest();
    expect(rest.workers).toHaveLength(1);
    const whole = async (): Promise<unknown> => (await farm.json("GET", "/api/me/blocks/20/proof")).body;
    // What is kept of the tree to read less changes no proof: neither where it is wrong nor where it is missing.
    expect(
      await text(db, sql`SELECT string_agg(leaves::text, ' ' ORDER BY user_name, worker) FROM leaf_groups`),
    ).toBe(`${"256 ".repeat(16)}1`);
    for (const spoil of [
      sql`UPDATE leaf_groups SET shares = shares + 1 WHERE leaves = 1`,
      sql`DELETE FROM leaf_groups WHERE leaves = 1`,
      sql`DELETE FROM leaf_groups`,
    ]) {
      await db.execute(spoil);
      api.clock.advance(120_000);
      expect([await whole(), await proofOfRest()]).toEqual([first, rest]);
    }
  });
});

describe("the list of a user's workers", () => {
  it("has pages, finds names, and leaves out what was hidden until it works again; the totals are of all", async () => {
    const { db } = api.database;
    const bob = testClient(api.handler);
    await bob.send("POST", "/api/session", { body: { name: "bob", password: PASSWORD } });
    const get = async (path: string, query = ""): Promise<unknown> =>
      (await bob.json("GET", path, { query })).body;
    const names = Array.from({ length: 230 }, (_, n) => `rig-${`${n}`.padStart(3, "0")}`);
    await confirmWorkers(db, "bob", names);
    await addJob(db, 21);
    const send = (seq: number, sent: readonly string[]) => {
      const nowMs = api.clock.wallMs();
      const rows = sent.map((worker) => ({
        ...{ user: "bob", worker, shares: 1, work: "65536", best: "9", rejected: 0 },
      }));
      const body = { v: 1, kind: "delta", job: 21, slot: 0, epoch: 2, seq, fromMs: nowMs, toMs: nowMs, rows };
      return applyMessage(JSON.stringify(body), { db, logger: SILENT });
    };
    await send(0, names);
    api.clock.advance(60_000);

    const shown = v.parse(VIEWS.Me, await get("/api/me"));
    expect(shown.workerCounts).toMatchObject({ shown: 230, online: 230, hidden: 0 });
    expect(shown.workers).toHaveLength(50);
    // A share of each in the first minute of two.
    expect(shown.hashrateLong).toBeGreaterThan((230 * 65_536) / 125);
    expect(shown.hashrateLong).toBeLessThan((230 * 65_536) / 55);
    const last = v.parse(VIEWS.MyWorkers, await get("/api/me/workers", "from=200&limit=50"));
    expect(last.workers.map(({ name }) => name)).toEqual(names.slice(200));
    expect(last).toMatchObject({ total: 230, from: 200 });
    const found = v.parse(VIEWS.MyWorkers, await get("/api/me/workers", "search=G-22"));
    expect(found.total).toBe(10);

    expect(
      (await bob.json("PUT", "/api/me/workers", { body: { hide: ["rig-007", "rig-008"] } })).status,
    ).toBe(200);
    const hid = v.parse(VIEWS.Me, await get("/api/me"));
    expect(hid.workerCounts).toMatchObject({ shown: 228, hidden: 2 });
    expect(hid.workers.map(({ name }) => name)).not.toContain("rig-007");
    expect((await bob.json("PUT", "/api/me/workers", { body: { show: ["rig-008"] } })).status).toBe(200);
    const hidden = v.parse(VIEWS.MyWorkers, await get("/api/me/workers", "hidden=true"));
    expect(hidden.workers.map(({ name, hidden: isHidden }) => [name, isHidden])).toEqual([["rig-007", true]]);

    expect((await bob.json("GET", "/api/me/workers", { query: "hidden=maybe" })).status).toBe(400);
    expect((await bob.json("GET", "/api/me/workers", { query: "from=-1" })).status).toBe(400);
    expect((await testClient(api.handler).json("GET", "/api/me/workers")).status).toBe(401);
  });
});
