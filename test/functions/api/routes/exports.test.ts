import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { adjust } from "../../../../shared/db/payments.ts";
import { sql } from "../../../../shared/db/port.ts";
import { formatPeg } from "../../../../shared/decimal.ts";
import { BLOCKS, createTestApi, EVIL, FIRST_HEIGHT, loggedIn, type TestApi } from "../../../support/api.ts";
import { text } from "../../../support/books.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

let api: TestApi;
let ann: TestClient;
beforeAll(async () => {
  api = await createTestApi();
  ann = await loggedIn(api, "ann");
});
afterAll(() => api.database.drop());

async function lines(what: string): Promise<string[]> {
  const reply = await ann.send("GET", `/api/me/export/${what}`);
  expect(reply.statusCode).toBe(200);
  expect(reply.headers).toMatchObject({
    "content-type": "text/csv; charset=utf-8",
    "cache-control": "private, no-store",
    "content-disposition": `attachment; filename="prosper-${what}.csv"`,
  });
  return (reply.body ?? "").trimEnd().split("\r\n");
}

describe("GET /api/me/export", () => {
  it("has every block's shares and reward, as a table and as JSON", async () => {
    const table = await lines("blocks");
    const { body } = await ann.json("GET", "/api/me/export/blocks", { query: "format=json" });
    const { rows, next } = v.parse(VIEWS.BlocksExport, body);

    expect(table[0]).toBe(
      "Block,Began (UTC),State,Shares,Refused,Work (hashes),Work of the pool (hashes),Reward (PEG)",
    );
    expect(rows.map(({ block }) => block)).toEqual(
      Array.from({ length: BLOCKS + 1 }, (_, i) => FIRST_HEIGHT + BLOCKS - i),
    );
    expect(table).toHaveLength(rows.length + 1);
    expect(next).toBeNull();
    const sealed = rows[1];
    expect(table[2]).toBe(
      [
        ...[sealed?.block, sealed?.began.slice(0, 19).replace("T", " "), "sealed", sealed?.shares],
        ...[sealed?.refused, sealed?.work, sealed?.poolWork, formatPeg(BigInt(sealed?.reward ?? 0))],
      ].join(","),
    );
    expect(rows[0]).toMatchObject({ state: "open", reward: null, poolWork: null });
  });

  it("sums what each day brought to what the page says is owed", async () => {
    const { body } = await ann.json("GET", "/api/me/export/earnings", { query: "format=json" });
    const { rows } = v.parse(VIEWS.EarningsExport, body);
    const me = v.parse(VIEWS.Me, (await ann.json("GET", "/api/me")).body);
    const sum = (of: "earned" | "adjusted" | "paid"): string =>
      `${rows.reduce((total, row) => total + BigInt(row[of]), 0n)}`;

    expect([sum("earned"), sum("adjusted"), sum("paid")]).toEqual([me.booked, me.adjusted, me.paidOut]);
    expect(rows.reduce((total, { blocks }) => total + blocks, 0)).toBe(BLOCKS);
    expect((await lines("earnings"))[1]?.split(",")[0]).toBe(rows[0]?.day);
  });

  it("has payments with their entries and adjustments with their reasons, none of which runs in a spreadsheet", async () => {
    const { db } = api.database;
    await adjust(db, { user: "ann", amount: -100n, reason: '=cmd|"/C calc"!A1', madeBy: "boss" });
    const table = await lines("payments");
    const entry = await text(db, sql`SELECT entry_hash FROM payments WHERE user_name = 'ann'`);

    expect(table).toHaveLength(4);
    expect(table.find((line) => line.includes(",payment,"))).toContain(`,3.00000000,`);
    expect(table.find((line) => line.includes(",payment,"))).toContain(`,${entry},`);
    expect(table.find((line) => line.includes(",-0.00000100,"))).toContain(`"'=cmd|""/C calc""!A1"`);
    expect(table.find((line) => line.includes(",5.00000000,"))).toContain("thanks for the bug report");
  });

  it("has every worker, the hidden ones too", async () => {
    await ann.json("PUT", "/api/me/workers", { body: { hide: [EVIL] } });
    const table = await lines("workers");

    expect(table.slice(1).map((line) => line.split(",").slice(0, 3).join(","))).toEqual([
      expect.stringMatching(/^<img src=x onerror=alert\(1\)>,(own|new),yes$/),
      expect.stringMatching(/^rig,(own|new),no$/),
    ]);
  });

  it("ends an answer at its bound, and says where the rest is", async () => {
    const { db } = api.database;
    const boss = await loggedIn(api, "boss");
    // A job's own trigger looks at all that went before: for rows that nobody seals it may rest.
    await db.execute(sql`ALTER TABLE jobs DISABLE TRIGGER USER`);
    await db.execute(sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit)
      SELECT 100000 + n, 5, repeat('0', 64), ''::bytea, '{}', 0, 0.05, 'largest-remainder', 'assigned' FROM generate_series(1, 501) n`);
    await db.execute(sql`ALTER TABLE jobs ENABLE TRIGGER USER`);
    await db.execute(sql`INSERT INTO work (job, user_name, worker, shares, work, best)
      SELECT 100000 + n, 'boss', 'w', 1, 65536, 1 FROM generate_series(1, 501) n`);
    const first = await boss.send("GET", "/api/me/export/blocks");
    const rest = await boss.send("GET", "/api/me/export/blocks", { query: "format=csv&from=100002" });

    expect((first.body ?? "").trimEnd().split("\r\n")).toHaveLength(501);
    expect(first.headers?.["link"]).toBe('</api/me/export/blocks?format=csv&from=100002>; rel="next"');
    expect((rest.body ?? "").trimEnd().split("\r\n")).toHaveLength(2);
    expect(rest.headers?.["link"]).toBeUndefined();
    expect(rest.headers?.["content-disposition"]).toContain("prosper-blocks-from-100002.csv");
  });

  it("has each worker once though their states change between two parts", async () => {
    const { db } = api.database;
    const boss = await loggedIn(api, "boss");
    await db.execute(sql`INSERT INTO worker_status (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, since, up_since)
      SELECT 'boss', 'w' || lpad(n::text, 3, '0'), now(), now(), ${FIRST_HEIGHT}::int, 0, now(), 0, 0, now(), now() FROM generate_series(1, 300) n`);
    const first = await boss.json("GET", "/api/me/export/workers", { query: "format=json" });
    const head = v.parse(VIEWS.WorkersExport, first.body);
    await db.execute(
      sql`UPDATE worker_status SET state = 'offline' WHERE user_name = 'boss' AND worker < 'w050'`,
    );
    const rows = [...head.rows];
    for (let { next } = head; next !== null; ) {
      const query = `format=json&from=${next}`;
      const { body } = await boss.json("GET", "/api/me/export/workers", { query });
      const part = v.parse(VIEWS.WorkersExport, body);
      rows.push(...part.rows);
      next = part.next;
    }
    const names = rows.map(({ worker }) => worker).filter((name) => /^w\d/.test(name));

    expect(head.rows).toHaveLength(100);
    expect(new Set(names).size).toBe(300);
    expect(names).toHaveLength(300);
  });

  it("is only for who is logged in, and has two forms", async () => {
    expect((await testClient(api.handler).send("GET", "/api/me/export/blocks")).statusCode).toBe(401);
    expect((await ann.send("GET", "/api/me/export/blocks", { query: "format=xls" })).statusCode).toBe(400);
  });
});
