import { createHmac } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Channel } from "../../../functions/alerts/channels/channel.ts";
import { createAlertsHandler } from "../../../functions/alerts/handler.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import {
  addDestination,
  askMessage,
  confirmDestination,
  listDestinations,
} from "../../../shared/db/alert-destinations.ts";
import { sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import {
  type HttpCatcher,
  type MailCatcher,
  startHttpCatcher,
  startMailCatcher,
} from "../../support/alert-catchers.ts";
import { deliverer, destinationOf, rigsBecame } from "../../support/alerts.ts";
import { addUsers, text } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type ManualClock, manualClock } from "../../support/manual-clock.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let database: TestDatabase;
let web: HttpCatcher;
let mail: MailCatcher;
let clock: ManualClock;
let user = "";
let users = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  web = await startHttpCatcher();
  mail = await startMailCatcher();
});
beforeEach(async () => {
  user = `user${users++}`;
  clock = manualClock();
  await addUsers(database.db, user);
  await database.db.execute(sql`DELETE FROM alert_destinations`);
  await database.db.execute(sql`DELETE FROM alert_tries`);
  web.requests.length = 0;
  web.answer(() => ({ status: 200 }));
  mail.mails.length = 0;
  mail.refuse(undefined);
});
afterAll(async () => {
  await Promise.all([web.stop(), mail.stop()]);
  await database.drop();
});

const became = (state: Parameters<typeof rigsBecame>[3], ...workers: string[]): Promise<void> =>
  rigsBecame(database.db, user, workers, state, clock.wallMs());
const run = () => deliverer(database.db, clock, { smtp: mail.url })();
const webhook = (change: Partial<Parameters<typeof destinationOf>[1]> = {}): Promise<bigint> =>
  destinationOf(database.db, { user, target: `${web.url}/hook`, ...change });
/** What was caught since the last call. */
const titles = (): string[] => web.requests.splice(0).map(({ body }) => JSON.parse(body).data.title);
const everywhere = (channel: Channel) =>
  ({ email: channel, webhook: channel, ntfy: channel, discord: channel, telegram: channel }) as const;
const theOne = async () => (await listDestinations(database.db, user))[0];

describe("a rig that stops", () => {
  it("is told to webhook and mailbox once, and that it is back", async () => {
    await webhook();
    await destinationOf(database.db, { user, kind: "email", target: "ann@example.com", secret: "" });
    await became("offline", "rig");

    expect(await run()).toEqual({ delivered: 2, failed: 0 });
    expect(await run()).toEqual({ delivered: 0, failed: 0 });
    expect(titles()).toEqual(["Pool: rig rig offline"]);
    expect(mail.mails.map(({ from, to }) => [from, to])).toEqual([["pool@example.com", ["ann@example.com"]]]);
    expect(mail.mails[0]?.text).toMatch(/Subject: Pool: rig rig offline\r\n/);
    expect(mail.mails[0]?.text).toContain("Rig rig offline: no share since 2020-09-13 12:21 UTC.");
    expect(await theOne()).toMatchObject({ result: "", triedMs: clock.wallMs(), failures: 0, due: 0 });

    clock.advance(10 * MINUTE_MS);
    await became("recovered", "rig");
    expect(await run()).toEqual({ delivered: 2, failed: 0 });
    expect(titles()).toEqual(["Pool: rig rig recovered"]);
  });

  it("is not told to others, where it was not chosen, or before an address is confirmed", async () => {
    await addUsers(database.db, `${user}-other`);
    await destinationOf(database.db, { user: `${user}-other`, target: web.url });
    await webhook({ events: ["recovered"] });
    await addDestination(
      database.db,
      {
        user,
        kind: "email",
        target: "stranger@example.com",
        secret: "",
        events: ["offline"],
        everyMinutes: 60,
        quiet: null,
      },
      "12345678",
    );
    await became("offline", "rig");

    expect(await run()).toEqual({ delivered: 0, failed: 0 });
  });

  it("by a signature that proves who sent it and when, the same id when it is sent again", async () => {
    await webhook({ secret: `whsec_${Buffer.from("a secret of 24 bytes....").toString("base64")}` });
    await became("offline", "rig");
    web.answer(() => ({ status: 500 }));
    await run();
    clock.advance(2 * MINUTE_MS);
    web.answer(() => ({ status: 200 }));
    await run();

    const [first, second] = web.requests;
    for (const { headers, body } of [first, second].flatMap((one) => one ?? [])) {
      const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
      const right = createHmac("sha256", "a secret of 24 bytes....").update(signed).digest("base64");
      expect(headers["webhook-signature"]).toBe(`v1,${right}`);
    }
    expect(first?.headers["webhook-id"]).toMatch(/^msg_[0-9a-f]{32}$/);
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(Number(second?.headers["webhook-timestamp"])).toBe(Math.floor(clock.wallMs() / 1000));
    expect(JSON.parse(second?.body ?? "").data.alerts).toMatchObject([
      { kind: "offline", count: 1, first: [{ worker: "rig", events: 1, amount: "0" }] },
    ]);
  });
});

describe("a rig that flaps", () => {
  it("makes one message of each kind in an hour, and the last word is how it stands", async () => {
    await webhook();
    const said: string[] = [];
    for (let minute = 0; minute < 120; minute++) {
      if (minute < 95 && minute % 5 === 0) await became(minute % 10 === 0 ? "offline" : "recovered", "rig");
      await run();
      said.push(...titles().map((title) => `${minute} ${title.replace("Pool: rig rig ", "")}`));
      clock.advance(MINUTE_MS);
    }
    // The last change, at 90, is to offline; it was told at 60, so it is told at 120.
    await run();
    said.push(...titles().map((title) => `120 ${title.replace("Pool: rig rig ", "")}`));

    for (const kind of ["offline", "recovered"]) {
      const minutes = said.filter((one) => one.endsWith(kind)).map((one) => Number(one.split(" ")[0]));
      for (const [i, minute] of minutes.entries())
        if (i > 0) expect(minute - (minutes[i - 1] ?? 0)).toBeGreaterThanOrEqual(60);
    }
    expect(said[0]).toBe("0 offline");
    expect(said.at(-1)).toBe("120 offline");
    expect(said.length).toBeLessThanOrEqual(6);
  });

  it("is told in the time that its owner chose", async () => {
    await webhook({ everyMinutes: 2 });
    await became("offline", "rig");
    await run();
    clock.advance(MINUTE_MS);
    await became("recovered", "rig");
    await run();
    clock.advance(MINUTE_MS);
    await became("offline", "rig");
    await run();

    expect(titles().map((title) => title.split(" ").at(-1))).toEqual(["offline", "recovered", "offline"]);
  });
});

describe("a farm that goes dark", () => {
  it("makes one message, also where its rigs are noticed minutes apart in quiet hours", async () => {
    await webhook();
    await became("offline", ...Array.from({ length: 40 }, (_, n) => `rig${n}`));
    await run();
    expect(titles()).toEqual(["Pool: 40 rigs offline"]);

    const minute = new Date(clock.wallMs()).getUTCHours() * 60 + new Date(clock.wallMs()).getUTCMinutes();
    const quiet = { from: (minute + 1439) % 1440, until: (minute + 120) % 1440, zone: "UTC" };
    await database.db.execute(sql`DELETE FROM alert_destinations`);
    await webhook({ quiet });
    clock.advance(1_000);
    for (let n = 0; n < 9; n++) {
      await became("offline", `rig${n}`);
      expect(await run()).toEqual({ delivered: 0, failed: 0 });
      clock.advance(MINUTE_MS);
    }
    // One is back before anybody was told: only that is told of it.
    await became("recovered", "rig3");
    clock.advance(2 * HOUR_MS);
    expect(await run()).toEqual({ delivered: 1, failed: 0 });
    expect(titles()).toEqual(["Pool: 8 rigs offline; rig rig3 recovered"]);
  });
});

describe("delivery at least once", () => {
  it("sends again what a sender that died had not marked, and two senders do not share a destination", async () => {
    await webhook();
    await became("offline", "rig");
    const sent: string[] = [];
    let die = (): void => undefined;
    const dying = new Promise<void>((resolve) => {
      die = resolve;
    });
    // It is sent, and then the process is gone: nothing after it happens.
    const channel: Channel = (delivery) => {
      sent.push(delivery.message.title);
      die();
      return new Promise(() => undefined);
    };
    const dead = createAlertsHandler(
      { poolName: "Pool", runMs: 1_000 },
      { db: database.db, clock, logger: SILENT, channels: everywhere(channel) },
    );
    void dead({}, LOCAL_CONTEXT);
    await dying;

    expect(await run()).toEqual({ delivered: 0, failed: 0 });
    clock.advance(61_000);
    expect(await run()).toEqual({ delivered: 1, failed: 0 });
    expect([...sent, ...titles()]).toEqual(["Pool: rig rig offline", "Pool: rig rig offline"]);
    expect(await run()).toEqual({ delivered: 0, failed: 0 });
  });

  it("tells what changed while a message was on its way", async () => {
    await webhook({ everyMinutes: 1 });
    await became("offline", "rig");
    let changed = false;
    const channel: Channel = async () => {
      if (!changed) {
        clock.advance(1000);
        await became("recovered", "rig");
        await became("offline", "other");
      }
      changed = true;
      return { kind: "delivered" };
    };
    const handler = createAlertsHandler(
      { poolName: "Pool", runMs: 1 },
      { db: database.db, clock, logger: SILENT, channels: everywhere(channel) },
    );
    expect(await handler({}, LOCAL_CONTEXT)).toEqual({ delivered: 1, failed: 0 });
    await run();

    expect(titles()).toEqual(["Pool: rig other offline; rig rig recovered"]);
  });
});

describe("a destination that fails", () => {
  it("backs off twice as long each time, says why, and gets it all when it is back", async () => {
    await webhook();
    web.answer(() => ({ status: 503 }));
    await became("offline", "rig");
    const waits: number[] = [];
    for (let n = 0; n < 4; n++) {
      expect(await run()).toEqual({ delivered: 0, failed: 1 });
      const { waitUntilMs = 0, failures, result } = (await theOne()) ?? {};
      expect([failures, result]).toEqual([n + 1, "it answered with HTTP 503"]);
      waits.push((waitUntilMs - clock.wallMs()) / MINUTE_MS);
      expect(await run()).toEqual({ delivered: 0, failed: 0 });
      clock.advance(waitUntilMs - clock.wallMs());
    }
    expect(waits).toEqual([1, 2, 4, 8]);
    await became("offline", "second");
    web.answer(() => ({ status: 200 }));
    web.requests.length = 0;

    expect(await run()).toEqual({ delivered: 1, failed: 0 });
    expect(titles()).toEqual(["Pool: 2 rigs offline"]);
    expect(await theOne()).toMatchObject({ failures: 0, result: "", due: 0 });
  });

  it("waits as long as it is told to, and is paused after three days, or at once where it is gone for good", async () => {
    const id = await webhook();
    web.answer(() => ({ status: 429, headers: { "retry-after": "1000" } }));
    await became("offline", "rig");
    await run();
    expect(((await theOne())?.waitUntilMs ?? 0) - clock.wallMs()).toBe(1_000_000);

    clock.advance(73 * HOUR_MS);
    await run();
    expect(await theOne()).toMatchObject({ paused: true, due: 0 });
    await became("offline", "second");
    expect(await run()).toEqual({ delivered: 0, failed: 0 });

    // A test that arrives turns it on again.
    web.answer(() => ({ status: 200 }));
    const times = { nowMs: clock.wallMs(), untilMs: 0 };
    expect(
      await askMessage(database.db, { user, id, kind: "test", code: "" }, { ofUser: 1, toTarget: 1 }, times),
    ).toBe("asked");
    expect(await run()).toEqual({ delivered: 1, failed: 0 });
    expect(await theOne()).toMatchObject({ paused: false, failures: 0 });
    expect(
      await askMessage(database.db, { user, id, kind: "test", code: "" }, { ofUser: 1, toTarget: 1 }, times),
    ).toBe("too-many");

    web.answer(() => ({ status: 410 }));
    await became("offline", "third");
    await run();
    expect(await theOne()).toMatchObject({ paused: true });
  });

  it("whose mail server refuses says the number of it", async () => {
    await destinationOf(database.db, { user, kind: "email", target: "ann@example.com", secret: "" });
    mail.refuse(550);
    await became("offline", "rig");
    await run();

    expect((await theOne())?.result).toBe("the pool's mail server refused it (SMTP 550)");
  });
});

describe("an address of e-mail", () => {
  it("is sent nothing but its code before it is confirmed, and five wrong codes use it up", async () => {
    const id =
      (await addDestination(
        database.db,
        {
          user,
          kind: "email",
          target: "ann@example.com",
          secret: "",
          events: ["offline"],
          everyMinutes: 60,
          quiet: null,
        },
        "11112222",
      )) ?? 0n;
    const ask = (kind: "code" | "test") =>
      askMessage(
        database.db,
        { user, id, kind, code: "12345678" },
        { ofUser: 9, toTarget: 3 },
        { nowMs: clock.wallMs(), untilMs: clock.wallMs() + HOUR_MS },
      );
    expect(await ask("test")).toBe("none");
    expect(await ask("code")).toBe("asked");
    await became("offline", "rig");
    await run();
    expect(mail.mails).toHaveLength(1);
    expect(mail.mails[0]?.text).toContain("12345678");

    const confirm = (code: string) => confirmDestination(database.db, user, id, code, clock.wallMs());
    for (let n = 0; n < 5; n++) expect(await confirm("00000000")).toBe(false);
    expect(await confirm("12345678")).toBe(false);
    expect(await ask("code")).toBe("asked");
    clock.advance(HOUR_MS + 1);
    expect(await confirm("12345678")).toBe(false);
    expect(await ask("code")).toBe("asked");
    expect(await confirm("12345678")).toBe(true);
    expect(await ask("code")).toBe("none");
    await became("offline", "rig2");
    await run();
    expect(mail.mails.at(-1)?.text).toContain("rig rig2 offline");
  });
});

describe("the outbox", () => {
  it("is bounded by the rigs there are, whatever happens, and forgets what was told long ago", async () => {
    await webhook();
    web.answer(() => ({ status: 500 }));
    for (let n = 0; n < 20; n++) {
      clock.advance(MINUTE_MS);
      await became(n % 2 === 0 ? "offline" : "recovered", "a", "b", "c");
    }
    expect(await text(database.db, sql`SELECT count(*) FROM alerts`)).toBe("6");
    expect(await text(database.db, sql`SELECT count(*) FROM alerts WHERE due_at IS NOT NULL`)).toBe("3");

    web.answer(() => ({ status: 200 }));
    await run();
    clock.advance(9 * 24 * HOUR_MS);
    await run();
    expect(await text(database.db, sql`SELECT count(*) FROM alerts`)).toBe("0");
  });
});
