import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyMessage } from "../../../../functions/accounting/apply.ts";
import { createApiHandler } from "../../../../functions/api/handler.ts";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { confirmWorkers } from "../../../../shared/db/workers.ts";
import { SILENT } from "../../../../shared/logger.ts";
import type { Sighted, SightedBy } from "../../../../shared/messages/sighted.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../../support/api.ts";
import { addJob, deltaBody } from "../../../support/books.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

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
