import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiHandler } from "../../../../functions/api/handler.ts";
import { BLOCKS, createTestApi, FIRST_HEIGHT, type TestApi } from "../../../support/api.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

let api: TestApi;
let client: TestClient;
beforeAll(async () => {
  api = await createTestApi();
  client = testClient(api.handler);
});
afterAll(() => api.database.drop());

type Row = Record<string, unknown>;
interface Answer {
  jsonrpc: string;
  id: unknown;
  result?: { data: Row[]; info: { records: number; totalrecords: number } } & Row;
  error?: { code: number; message: string; data: unknown };
}

async function call(method: string, params?: unknown, id: unknown = 0): Promise<Answer> {
  const { status, body } = await client.json("POST", "/api/v1", {
    body: { jsonrpc: "2.0", id, method, params },
  });
  expect(status).toBe(200);
  return body as Answer;
}

describe("api.Rewards", () => {
  it("answers with the reference's fields, newest block first", async () => {
    const { result, id } = await call("api.Rewards", { limit: 20, offset: 0, order: "", column: "" }, 7);

    expect(id).toBe(7);
    expect(result?.info).toEqual({ records: BLOCKS, totalrecords: BLOCKS });
    expect(result?.data.map((row) => row["jobid"])).toEqual(
      Array.from({ length: BLOCKS }, (_, i) => FIRST_HEIGHT + BLOCKS - 1 - i),
    );
    const [row] = result?.data ?? [];
    expect(Object.keys(row ?? {})).toEqual([
      ...["jobid", "poolreward", "winningoprs", "gradedoprs", "poolfeerate", "poolfee", "dust"],
      ...["pooldifficulty", "pdiff", "totalhashrate"],
    ]);
    expect(row).toMatchObject({ gradedoprs: 50, poolfeerate: "0.05", dust: 0, pdiff: "ffff000000000000" });
    expect(row?.["poolreward"]).toBe(Number(row?.["winningoprs"]) * 36_000_000_000);
    expect(row?.["poolfee"]).toBe(Number(row?.["poolreward"]) / 20);
    expect(Number(row?.["totalhashrate"])).toBeGreaterThan(80_000);
  });

  it("sorts by any column of the list, either way, and skips", async () => {
    const rewards = async (params: object): Promise<number[]> =>
      (await call("api.Rewards", params)).result?.data.map((row) => Number(row["poolreward"])) ?? [];

    const ascending = await rewards({ column: "pool_reward", order: "ASC" });
    const second = await rewards({ column: "pool_reward", order: "asc", limit: 1, offset: 1 });

    expect(ascending).toEqual(ascending.toSorted((a, b) => a - b));
    expect(second).toEqual([ascending[1]]);
    for (const column of [
      "job_id",
      "winning",
      "graded",
      "pool_fee_rate",
      "pool_fee",
      "dust",
      "pool_difficuty",
      "total_hashrate",
    ])
      expect((await call("api.Rewards", { column })).result?.data).toHaveLength(BLOCKS);
  });

  it("gives 50 rows where no limit or 0 is asked for, and never more than 200", async () => {
    const limits = [undefined, 0, 3, 200, 5000].map(
      async (limit) => (await call("api.Rewards", { limit })).result?.data.length,
    );

    expect(await Promise.all(limits)).toEqual([BLOCKS, BLOCKS, 3, BLOCKS, BLOCKS]);
    const none = await call("api.EntrySubmissions", {});
    expect(none.result?.data).toHaveLength(50);
    expect(none.result?.info).toEqual({ records: 50, totalrecords: 6 * BLOCKS });
  });
});

describe("api.EntrySubmissions", () => {
  it("gives those of one job with 64-bit targets to the last digit and bytes in base64", async () => {
    const body = {
      jsonrpc: "2.0",
      id: 1,
      method: "api.EntrySubmissions",
      params: { jobid: FIRST_HEIGHT, column: "target" },
    };

    const reply = await client.send("POST", "/api/v1", { body });
    const { result } = JSON.parse(reply.body ?? "") as Answer;

    expect(reply.body).toContain('"target":18446744073709551615,');
    expect(reply.body).toContain('"target":18446744073709551610,');
    expect(result?.data).toHaveLength(6);
    expect(result?.data.every((row) => row["jobid"] === FIRST_HEIGHT)).toBe(true);
    expect(result?.data[0]?.["nonce"]).toBe(
      Buffer.from([0, 0, 16, 1, FIRST_HEIGHT & 255, 0]).toString("base64"),
    );
  });

  it("marks blocked ones, which have no entry on chain, as the reference does", async () => {
    const { result } = await call("api.EntrySubmissions", { jobid: FIRST_HEIGHT });

    const blocked = result?.data.filter((row) => row["blocked"] === 1) ?? [];
    expect(blocked).toHaveLength(2);
    expect(blocked.every((row) => row["entryhash"] === "0".repeat(64))).toBe(true);
    expect(result?.data.filter((row) => row["blocked"] === 0)).toHaveLength(4);
  });

  it("sorts by every column it names", async () => {
    for (const column of ["job_id", "target", "entry_hash", "blocked", "opr_hash", "nonce", "created_at"])
      expect(
        (await call("api.EntrySubmissions", { column, order: "desc", limit: 5 })).result?.data,
      ).toHaveLength(5);
  });
});

describe("api.SubmitSync", () => {
  it("tells what the minute keeper knows", async () => {
    expect((await call("api.SubmitSync")).result).toEqual({
      submitting: true,
      submitheight: 1012,
      syncing: false,
      lastnonzero: 1011,
    });
  });

  it("is an error where no minute keeper runs beside the API", async () => {
    const { live: _, ...modules } = api.modules;
    const remote = testClient(createApiHandler(api.options, modules));

    const { body } = await remote.json("POST", "/api/v1", {
      body: { jsonrpc: "2.0", id: 1, method: "api.SubmitSync" },
    });

    expect(body).toMatchObject({ error: { code: -32000 } });
  });
});

describe("bad requests", () => {
  it.each([
    ["a negative limit", { limit: -1 }],
    ["a limit that is no whole number", { limit: 1.5 }],
    ["a limit in quotes", { limit: "5" }],
    ["a negative offset", { offset: -1 }],
    ["an offset beyond the listing", { offset: 1_000_000_000 }],
    ["another order", { order: "sideways" }],
    ["an unknown column", { column: "password" }],
    ["an injected column", { column: "height; DROP TABLE jobs" }],
    ["an injected order", { order: "asc; DROP TABLE jobs" }],
    ["a column of another list", { column: "target" }],
    ["a list of two", [{}, {}]],
    ["a word", "all"],
  ])("%s is refused as bad parameters", async (_name, params) => {
    const { error, result } = await call("api.Rewards", params);

    expect(error?.code).toBe(-32602);
    expect(result).toBeUndefined();
  });

  it("have the codes of JSON-RPC", async () => {
    const send = async (body: unknown): Promise<Answer> =>
      (await client.json("POST", "/api/v1", { body })).body as Answer;

    expect(await send("{not json")).toMatchObject({ id: null, error: { code: -32700 } });
    expect(await send({ id: 1, method: "api.Rewards" })).toMatchObject({ id: null, error: { code: -32600 } });
    expect(await send({ jsonrpc: "2.0", id: 4, method: "api.DropTables" })).toMatchObject({
      id: 4,
      error: { code: -32601 },
    });
    expect(await send([])).toMatchObject({ error: { code: -32600 } });
    expect(await send(Array.from({ length: 21 }, () => ({})))).toMatchObject({ error: { code: -32600 } });
  });

  it("take parameters as the one element of a list, and a batch", async () => {
    expect((await call("api.Rewards", [{ limit: 2 }])).result?.data).toHaveLength(2);
    const { body } = await client.json("POST", "/api/v1", {
      body: [
        { jsonrpc: "2.0", id: "a", method: "api.SubmitSync" },
        { jsonrpc: "2.0", method: "api.SubmitSync" },
        { jsonrpc: "2.0", id: "b", method: "nothing" },
      ],
    });
    expect(body).toMatchObject([
      { id: "a", result: {} },
      { id: "b", error: {} },
    ]);
  });

  it("get no answer where none is wanted", async () => {
    const reply = await client.send("POST", "/api/v1", {
      body: { jsonrpc: "2.0", method: "api.SubmitSync" },
    });

    expect(reply.statusCode).toBe(204);
    expect((await client.send("GET", "/api/v1")).statusCode).toBe(405);
  });
});
