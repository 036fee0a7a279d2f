import * as v from "valibot";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { VIEWS } from "../../../../functions/api/views/views.ts";
import { sql } from "../../../../shared/db/port.ts";
import { type MailCatcher, startMailCatcher } from "../../../support/alert-catchers.ts";
import { deliverer, rigsBecame } from "../../../support/alerts.ts";
import { createTestApi, loggedIn, type TestApi } from "../../../support/api.ts";
import type { TestClient } from "../../../support/http-client.ts";

const PATH = "/api/me/alerts";
const CHOICE = { events: ["offline", "recovered"], everyMinutes: 60, quiet: null };

let api: TestApi;
let mail: MailCatcher;
let ann: TestClient;
let bob: TestClient;
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
  mail = await startMailCatcher();
  [ann, bob] = [await loggedIn(api, "ann"), await loggedIn(api, "bob")];
});
beforeEach(async () => {
  await api.database.db.execute(sql`DELETE FROM alert_destinations`);
  await api.database.db.execute(sql`DELETE FROM alert_tries`);
  mail.mails.length = 0;
});
afterAll(async () => {
  await mail.stop();
  await api.database.drop();
});

const deliver = () => deliverer(api.database.db, api.clock, { smtp: mail.url })();
const listed = async (client = ann) =>
  v.parse(VIEWS.Alerts, (await client.json("GET", PATH)).body).destinations;
const add = async (body: object, client = ann) =>
  v.parse(VIEWS.AlertAdded, (await client.json("POST", PATH, { body: { ...CHOICE, ...body } })).body);
const refusal = async (method: string, path: string, body: object, client = ann): Promise<unknown> => {
  const reply = await client.json(method, path, { body });
  return [reply.status, v.parse(VIEWS.Error, reply.body).error.code];
};

describe("a webhook", () => {
  it("is added with a secret that is shown once, changed, tested and removed", async () => {
    const { id, secret } = await add({ kind: "webhook", target: " https://127.0.0.1:1/hook " });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/);

    const quiet = { from: "22:30", until: "07:00", zone: "Europe/Berlin" };
    const change = { id, events: ["low"], everyMinutes: 5, quiet };
    expect((await ann.json("PUT", PATH, { body: change })).body).toEqual({ ok: true });
    expect(await listed()).toEqual([
      {
        ...{
          id,
          kind: "webhook",
          target: "https://127.0.0.1:1/hook",
          events: ["low"],
          everyMinutes: 5,
          quiet,
          quietUrgent: false,
        },
        ...{ state: "on", triedAt: null, result: "", failures: 0, nextTryAt: null, due: 0 },
      },
    ]);

    await ann.json("POST", `${PATH}/test`, { body: { id } });
    expect(await deliver()).toEqual({ delivered: 0, failed: 1 });
    const [failing] = await listed();
    expect(failing).toMatchObject({ failures: 1, result: "nothing listens there", due: 0 });
    expect(failing?.nextTryAt).toBe(new Date(api.clock.wallMs() + 60_000).toISOString());

    expect((await ann.json("DELETE", PATH, { body: { id } })).body).toEqual({ ok: true });
    expect(await listed()).toEqual([]);
  });

  it("of somebody else is not to be seen, changed, tested or removed", async () => {
    const { id } = await add({ kind: "webhook", target: "https://example.com/" });

    expect(await listed(bob)).toEqual([]);
    for (const [method, path, body] of [
      ["PUT", PATH, { id, ...CHOICE }],
      ["DELETE", PATH, { id }],
      ["POST", `${PATH}/test`, { id }],
      ["POST", `${PATH}/code`, { id }],
    ] as const)
      expect(await refusal(method, path, body, bob)).toEqual([404, "no-destination"]);
    expect(await refusal("POST", `${PATH}/confirm`, { id, code: "1" }, bob)).toEqual([422, "wrong-code"]);
  });
});

describe("the pool's own checks", () => {
  it("are offered to administrators only, with whether quiet hours hold what is urgent", async () => {
    const boss = await loggedIn(api, "boss");
    const offered = async (client: TestClient) =>
      v.parse(VIEWS.Alerts, (await client.json("GET", PATH)).body).offered;
    expect(await offered(ann)).not.toContain("red");
    expect(await offered(boss)).toContain("red");

    const mine = { kind: "webhook", target: "https://example.com/", ...CHOICE, events: ["red"] };
    expect(await refusal("POST", PATH, mine)).toEqual([403, "not-admin"]);
    const { id } = await add({ ...mine, quietUrgent: true }, boss);
    expect(await listed(boss)).toMatchObject([{ events: ["red"], quietUrgent: true }]);
    await boss.json("PUT", PATH, { body: { id, ...CHOICE, events: ["red"] } });
    expect(await listed(boss)).toMatchObject([{ events: ["red"], quietUrgent: false }]);

    const { id: own } = await add({ kind: "webhook", target: "https://example.com/" });
    expect(await refusal("PUT", PATH, { id: own, ...CHOICE, events: ["red"] })).toEqual([403, "not-admin"]);
  });
});

describe("an address of e-mail", () => {
  it("gets a code, is confirmed by it however it is typed, and then what was chosen", async () => {
    const { id, secret } = await add({ kind: "email", target: "ann@example.com" });
    expect(secret).toBe("");
    expect((await listed())[0]).toMatchObject({ state: "unconfirmed", due: 1 });
    await rigsBecame(api.database.db, "ann", ["rig"], "offline", api.clock.wallMs());
    expect(await deliver()).toEqual({ delivered: 1, failed: 0 });
    const code = /code is (\d{8})/.exec(mail.mails[0]?.text ?? "")?.[1] ?? "";

    expect(await refusal("POST", `${PATH}/confirm`, { id, code: "00000000" })).toEqual([422, "wrong-code"]);
    const typed = `${code.slice(0, 4)} ${code.slice(4)}`;
    expect((await ann.json("POST", `${PATH}/confirm`, { body: { id, code: typed } })).body).toEqual({
      ok: true,
    });
    expect((await listed())[0]).toMatchObject({ state: "on" });
    await rigsBecame(api.database.db, "ann", ["rig2"], "offline", api.clock.wallMs());
    await deliver();
    expect(mail.mails.map(({ to }) => to)).toEqual([["ann@example.com"], ["ann@example.com"]]);
    expect(mail.mails[1]?.text).toContain("rig rig2 offline");
  });

  it("is sent three codes a day, whoever asks, and a user asks for six", async () => {
    for (let n = 0; n < 2; n++) await add({ kind: "email", target: "stranger@example.com" });
    await add({ kind: "email", target: "stranger@example.com" }, bob);
    const again = { kind: "email", target: "stranger@example.com", ...CHOICE };
    expect(await refusal("POST", PATH, again)).toEqual([429, "too-many"]);
    expect(await listed()).toHaveLength(2);

    for (let n = 0; n < 4; n++) await add({ kind: "email", target: `s${n}@example.com` });
    expect(await refusal("POST", PATH, { ...again, target: "s9@example.com" })).toEqual([429, "too-many"]);
    api.clock.advance(25 * 3_600_000);
    ann = await loggedIn(api, "ann");
    bob = await loggedIn(api, "bob");
    await add({ kind: "email", target: "s9@example.com" });
  });
});

describe("what is no destination", () => {
  it.each([
    [{ kind: "email", target: "ann" }, "bad-target"],
    [{ kind: "email", target: "a@b.example, c@d.example" }, "bad-target"],
    [{ kind: "email", target: "a@b.example\r\nBcc: c@d.example" }, "bad-target"],
    [{ kind: "email", target: "Ann <ann@example.com>" }, "bad-target"],
    [{ kind: "webhook", target: "file:///etc/passwd" }, "bad-target"],
    [{ kind: "webhook", target: "https://a:b@example.com" }, "bad-target"],
    [
      {
        ...{ kind: "webhook", target: "https://example.com" },
        quiet: { from: "22:00", until: "07:00", zone: "Mars" },
      },
      "bad-zone",
    ],
  ])("is refused: %j", async (body, code) => {
    expect(await refusal("POST", PATH, { ...CHOICE, ...body })).toEqual([422, code]);
  });

  it.each([
    { kind: "pigeon", target: "x" },
    { kind: "webhook", target: "https://example.com", events: ["rain"] },
    { kind: "webhook", target: "https://example.com", everyMinutes: 0 },
    { kind: "webhook", target: "https://example.com", quiet: { from: "25:00", until: "07:00", zone: "UTC" } },
  ])("does not parse: %j", async (body) => {
    expect(await refusal("POST", PATH, { ...CHOICE, ...body })).toEqual([400, "bad-input"]);
  });

  it("is a ninth, or a channel that the pool has not", async () => {
    for (let n = 0; n < 8; n++) await add({ kind: "webhook", target: `https://example.com/${n}` });
    const ninth = { ...CHOICE, kind: "webhook", target: "https://example.com/9" };
    expect(await refusal("POST", PATH, ninth)).toEqual([422, "too-many"]);

    const mute = await createTestApi({ seeded: false, options: { alertChannels: [], makesChecks: false } });
    const client = await loggedIn(mute, "ann");
    expect(await refusal("POST", PATH, { ...CHOICE, kind: "email", target: "a@b.example" }, client)).toEqual([
      ...[422, "no-channel"],
    ]);
    // As on AWS, where alarms of CloudWatch tell of the pool itself.
    const boss = await loggedIn(mute, "boss");
    expect(v.parse(VIEWS.Alerts, (await boss.json("GET", PATH)).body).offered).not.toContain("red");
    const red = { ...CHOICE, events: ["red"], kind: "webhook", target: "https://example.com" };
    expect(await refusal("POST", PATH, red, boss)).toEqual([403, "not-admin"]);
    await mute.database.drop();
  });
});
