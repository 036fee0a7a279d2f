import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PageSightings } from "../../../../edge/page-sightings.ts";
import { applyMessage } from "../../../../functions/accounting/apply.ts";
import { createApiHandler } from "../../../../functions/api/handler.ts";
import { writtenSightings } from "../../../../functions/api/sightings.ts";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { openWatches, writeSightings } from "../../../../shared/db/connect-watches.ts";
import { confirmWorkers } from "../../../../shared/db/workers.ts";
import { SILENT } from "../../../../shared/logger.ts";
import type { Sighted, SightedBy } from "../../../../shared/messages/sighted.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../../support/api.ts";
import { addJob, deltaBody } from "../../../support/books.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";
import { call, share, startHarness } from "../../../support/stratum/harness.ts";

const CODE = "ABCDEFGHIJKLMNOP";

let api: TestApi;
let visitor: TestClient;
let seen: Sighted[] = [];
const asked: SightedBy[] = [];
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
  const sightings = {
    look: async (by: SightedBy) => {
      asked.push(by);
      return seen;
    },
  };
  visitor = testClient(createApiHandler(api.options, { ...api.modules, sightings }), "192.0.2.7");
});
afterAll(() => api.database.drop());

const sighting = (part: Partial<Sighted>): Sighted => ({
  ...{ connectedMs: api.clock.wallMs(), subscribedMs: null, loggedInMs: null, tablePercent: null },
  ...{ sharedMs: null, endedMs: null, user: null, worker: null, code: null, problem: null },
  ...part,
});

async function told(query = "") {
  const { status, body } = await visitor.json("GET", `/api/connect/${CODE}`, { query });
  expect(status).toBe(200);
  return v.parse(VIEWS.Connection, body).seen;
}

describe("GET /api/connect/{code}", () => {
  it("takes a code of its form only, and asks for that code and the visitor's address", async () => {
    for (const bad of ["short", CODE.toLowerCase(), `${CODE}A`, "ABCDEFGHIJKLMNO1"])
      expect((await visitor.send("GET", `/api/connect/${bad}`)).statusCode).toBe(400);
    seen = [];
    expect(await told()).toBeNull();
    expect(asked).toEqual([{ code: CODE, place: "192.0.2.7" }]);
  });

  it("says where connections cannot be seen from", async () => {
    const elsewhere = testClient(api.handler);
    const { body } = await elsewhere.json("GET", `/api/connect/${CODE}`);
    expect(body).toEqual({ watched: false, seen: null });
    expect((await visitor.json("GET", `/api/connect/${CODE}`)).body).toMatchObject({ watched: true });
  });

  it("tells the newest that brought the code, whatever else comes from the address, and no address", async () => {
    const nowMs = api.clock.wallMs();
    seen = [
      sighting({ code: CODE, endedMs: nowMs, problem: { code: "login-refused", words: "taken" } }),
      sighting({ code: CODE, subscribedMs: nowMs, tablePercent: 12 }),
      sighting({ problem: { code: "tls-hello", words: "no TLS here" } }),
    ];
    const answer = await told();
    expect(answer).toMatchObject({ by: "code", tablePercent: 12, problem: null, closed: false });
    expect(JSON.stringify(answer)).not.toContain("192.0.2");
  });

  it("tells of one without a code that came since the page began to ask", async () => {
    const nowMs = api.clock.wallMs();
    seen = [sighting({ connectedMs: nowMs - 60_000, problem: { code: "full", words: "full" } })];
    expect(await told("seconds=10")).toBeNull();
    expect(await told("seconds=60")).toMatchObject({ by: "address", problem: { code: "full" } });
  });

  it("tells of one without a code that has logged in to its own user alone", async () => {
    const nowMs = api.clock.wallMs();
    seen = [sighting({ loggedInMs: nowMs, user: "ann", worker: "rig" })];
    expect(await told()).toBeNull();
    await visitor.send("POST", "/api/session", { body: { name: "bob", password: PASSWORD } });
    expect(await told()).toBeNull();
    await visitor.send("POST", "/api/session", { body: { name: "ann", password: PASSWORD } });
    expect(await told()).toMatchObject({ by: "address", credited: false });
  });

  it("calls a first share credited once the books have it", async () => {
    const { db } = api.database;
    const sharedMs = 60_500;
    seen = [sighting({ code: CODE, loggedInMs: sharedMs, user: "ann", worker: "rig", sharedMs })];
    await addJob(db, 10);
    await confirmWorkers(db, "ann", ["rig"]);
    await applyMessage(deltaBody({ job: 10, seq: 0, fromMs: 58_000 }, { "ann/rig": 1 }), {
      db,
      logger: SILENT,
    });
    expect(await told()).toMatchObject({ credited: false });
    await applyMessage(deltaBody({ job: 10, seq: 1, fromMs: 60_000 }, { "ann/rig": 1 }), {
      db,
      logger: SILENT,
    });
    expect(await told()).toMatchObject({ credited: true });
  });
});

/** Edge and function as they are on AWS: each by its own role's rights, and nothing between them but the database. */
describe("where edges are elsewhere", () => {
  let page: TestClient;
  const { server, backend, connect, clock } = startHarness({ tableBits: 12 });
  let edge: PageSightings;
  beforeAll(async () => {
    const [asApi, asEdge] = await Promise.all([api.database.as("api"), api.database.as("edge")]);
    page = testClient(
      createApiHandler(api.options, { ...api.modules, sightings: writtenSightings(asApi) }),
      "192.0.2.7",
    );
    edge = new PageSightings({
      ...{ clock, logger: SILENT, look: (by) => server.sightings.look(by) },
      open: () => openWatches(asEdge),
      write: (rows) => writeSightings(asEdge, "edge", rows),
    });
  });
  const greeting = (code: string): string =>
    call(1, "mining.subscribe", `prosper-ts/0.1 connect/${code}`) + call(2, "mining.authorize", "ann,rig");
  const answer = async (code = CODE, headers = {}) => {
    const {
      statusCode: status,
      body = "",
      headers: replied,
    } = await page.send("GET", `/api/connect/${code}`, { headers });
    const told =
      body === "" ? { watched: undefined, seen: undefined } : v.parse(VIEWS.Connection, JSON.parse(body));
    return { status, etag: `${replied?.["etag"]}`, ...told };
  };
  /** Two seconds of the edge's, in which it learns of open pages and writes. */
  const soon = async (): Promise<void> => {
    for (let i = 0; i < 2; i++) {
      clock.advance(1_000);
      await edge.tick();
    }
  };

  it("a page sees its miner step by step, and is answered 304 while nothing is new", async () => {
    expect(await answer()).toMatchObject({ watched: true, seen: null });
    const miner = connect("10.0.0.1");
    miner.send(greeting(CODE));
    await miner.fence();
    await soon();
    const first = await answer();
    expect(first.seen).toMatchObject({ by: "code", loggedIn: expect.any(String), tablePercent: null });
    expect(await answer(CODE, { "if-none-match": first.etag })).toMatchObject({ status: 304 });
    miner.send(call(3, "mining.table", "40", "12"));
    await miner.fence();
    await soon();
    expect((await answer(CODE, { "if-none-match": first.etag })).seen).toMatchObject({ tablePercent: 40 });
    miner.send(share(4, "ann"));
    await miner.fence();
    await soon();
    expect((await answer()).seen).toMatchObject({ firstShare: expect.any(String), credited: false });
  });

  it("a page is told why, also of a miner without a code from its own address", async () => {
    const code = "AAAAAAAAAAAAAAAA";
    await answer(code);
    server.sightings.turnedAway("192.0.2.7", "tls-hello", "this port takes no TLS");
    await soon();
    expect((await answer(code)).seen).toMatchObject({
      ...{ by: "address", closed: true },
      problem: { code: "tls-hello", words: "this port takes no TLS" },
    });
    backend.login = async () => ({ kind: "refused", reason: "that user name is taken: choose another" });
    const miner = connect("10.0.0.1");
    miner.send(greeting(code));
    await miner.fence();
    await soon();
    expect((await answer(code)).seen).toMatchObject({ by: "code", problem: { code: "login-refused" } });
  });

  it("a page is told that nobody looks out for it where too many are open at its address", async () => {
    const answers = [];
    for (const last of "ABCDEFGH2") answers.push((await answer(`BBBBBBBBBBBBBBB${last}`)).watched);
    expect(answers.filter((watched) => watched)).toHaveLength(6);
    expect((await answer()).watched).toBe(true);
  });
});
