import { get, type IncomingMessage } from "node:http";
import { createGunzip } from "node:zlib";
import * as v from "valibot";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFigures } from "../../../functions/api/figures/figures.ts";
import { createApiHandler } from "../../../functions/api/handler.ts";
import { isHttps, sessionOf } from "../../../functions/api/http/request.ts";
import { createLiveHub } from "../../../functions/api/stream/hub.ts";
import { createLiveStreams, type LiveStreams } from "../../../infra/pool/live-streams.ts";
import { startWeb, type Web } from "../../../infra/pool/web.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../support/api.ts";
import { until } from "../../support/until.ts";

interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** One open page: what it heard so far. */
class Page {
  readonly status: number;
  readonly messages: Message[] = [];
  isOpen = true;
  bytes = 0;
  readonly #answer: IncomingMessage;

  static async open(path: string, headers: Record<string, string> = {}): Promise<Page> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${web.url}${path}`, { headers, agent: false }, resolve).on("error", reject);
    });
    const page = new Page(answer);
    pages.push(page);
    return page;
  }

  private constructor(answer: IncomingMessage) {
    this.#answer = answer;
    this.status = answer.statusCode ?? 0;
    answer.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
    });
    const zipped = answer.headers["content-encoding"] === "gzip";
    const text = zipped ? answer.pipe(createGunzip()) : answer;
    let rest = "";
    text.on("data", (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) this.#read(part);
    });
    text.on("error", () => undefined);
    answer.on("close", () => {
      this.isOpen = false;
    });
  }

  #read(part: string): void {
    const fields = new Map(
      part.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
    );
    const [id, event, data] = [fields.get("id"), fields.get("event"), fields.get("data")];
    if (id !== undefined && event !== undefined && data !== undefined)
      this.messages.push({ id, event, data: JSON.parse(data) });
  }

  /** Lets time pass until this many messages have come. */
  async heard(count: number): Promise<readonly Message[]> {
    await until(`${count} messages`, async () => {
      api.clock.advance(1000);
      return this.messages.length >= count;
    });
    return this.messages;
  }

  /** Lets time pass until the job of this height is told. */
  heardOfJob(of: number): Promise<Message & { set: Record<string, unknown> }> {
    return until(`job ${of}`, async () => {
      api.clock.advance(1000);
      for (const message of this.messages) {
        const { set } = message.data as { set?: { job?: { height: number } } };
        if (set?.job?.height === of) return { ...message, set };
      }
      return undefined;
    });
  }

  close(): void {
    this.#answer.destroy();
  }
}

let api: TestApi;
let web: Web;
let streams: LiveStreams;
let pages: Page[] = [];
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.database.drop());
beforeEach(async () => {
  const { clock } = api;
  const { accounts } = api.modules;
  const options = { ...api.options, streams: true };
  const figures = createFigures(options, api.modules);
  streams = createLiveStreams({
    hub: createLiveHub(figures, { clock, random: systemRandom, logger: SILENT }),
    clock,
    whoIs: async (event) => (await sessionOf(event, isHttps(event), accounts))?.user.name,
  });
  web = await startWeb(
    { host: "127.0.0.1", port: 0 },
    { handler: createApiHandler(options, { ...api.modules, figures }), logger: SILENT, streams },
  );
});
afterEach(async () => {
  for (const page of pages) page.close();
  pages = [];
  await web.stop();
});

let height = 2000;
/** A new job: every page of the pool is told. */
async function newJob(): Promise<number> {
  height += 1;
  await api.database.db.execute(
    sql`INSERT INTO jobs (height, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at)
      SELECT ${height}::int, version, opr_hash, opr, prices, threshold, fee_rate, split, credit, created_at
      FROM jobs ORDER BY height DESC LIMIT 1`,
  );
  return height;
}

async function cookieOf(name: string): Promise<string> {
  const reply = await fetch(`${web.url}/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, password: PASSWORD }),
  });
  return reply.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ");
}

describe("an open page", () => {
  it("tells who comes what is so now, not what was so for the page before", async () => {
    const before = await Page.open("/api/live?topic=pool");
    await before.heard(1);
    before.close();
    await until("its end is noticed", async () => streams.size === 0);
    const height = await newJob();
    await until("the new job is what pages are told", async () => {
      api.clock.advance(1000);
      const answer = await (await fetch(`${web.url}/api/pool`)).json();
      return v.parse(v.object({ job: v.object({ height: v.number() }) }), answer).job.height === height;
    });

    const [first] = await (await Page.open("/api/live?topic=pool")).heard(1);

    expect(first).toMatchObject({ event: "view", data: { job: { height } } });
  });

  it("hears the whole view first, then what has changed and nothing else", async () => {
    const page = await Page.open("/api/live?topic=pool");
    const [first] = await page.heard(1);
    expect(first).toMatchObject({ event: "view", data: { name: "Prosper Pool", miners: 2 } });
    expect(first?.data).not.toHaveProperty("connect");

    const told = await page.heardOfJob(await newJob());
    expect(told).toMatchObject({ event: "patch", data: { rows: {} } });
    expect(told.set).toHaveProperty("at");
    expect(told.set).not.toHaveProperty("luck");
    expect(told.set).not.toHaveProperty("blocks");
  });

  it("is told by gzip where the browser takes it, each message at once, and a later one costs a fraction", async () => {
    const page = await Page.open("/api/live?topic=pool", { "accept-encoding": "gzip, deflate, br" });
    await page.heard(1);
    const first = page.bytes;
    await page.heardOfJob(await newJob());

    expect(page.bytes - first).toBeLessThan(first / 2);
  });

  it("that comes back with the id of its last message hears what it missed, and nothing twice", async () => {
    const witness = await Page.open("/api/live?topic=pool");
    const page = await Page.open("/api/live?topic=pool");
    const [first] = await page.heard(1);
    page.close();
    await witness.heardOfJob(await newJob());
    const made = await newJob();
    await witness.heardOfJob(made);

    const back = await Page.open("/api/live?topic=pool", { "last-event-id": first?.id ?? "" });
    await back.heardOfJob(made);
    expect(back.messages.map(({ id }) => id)).toEqual(witness.messages.slice(1).map(({ id }) => id));
    expect(back.messages.every(({ event }) => event === "patch")).toBe(true);
    const shown = await Page.open(`/api/live?topic=pool&after=${witness.messages.at(-1)?.id}`);
    await newJob();
    expect((await shown.heard(1))[0]?.event).toBe("patch");
  });

  it.each(["0123456789ab.0", "nonsense", "x.-1", ".", "1e9"])(
    "that names an id nobody knows (%s) hears the whole view",
    async (id) => {
      const page = await Page.open("/api/live?topic=pool", { "last-event-id": id });
      expect((await page.heard(1))[0]?.event).toBe("view");
    },
  );

  it("of a user hears that user's figures, ends with the session, and is for nobody else", async () => {
    expect((await Page.open("/api/live?topic=me")).status).toBe(401);
    const cookie = await cookieOf("ann");
    const page = await Page.open("/api/live?topic=me", { cookie });
    expect((await page.heard(1))[0]).toMatchObject({ event: "view", data: { name: "ann" } });

    const bob = await Page.open("/api/live?topic=me", {
      cookie: await cookieOf("bob"),
      "last-event-id": page.messages[0]?.id ?? "",
    });
    expect((await bob.heard(1))[0]).toMatchObject({ event: "view", data: { name: "bob" } });

    await fetch(`${web.url}/api/session`, { method: "DELETE", headers: { cookie } });
    await until("the stream's end", async () => {
      api.clock.advance(5000);
      return !page.isOpen;
    });
    expect(bob.isOpen).toBe(true);
  });
});

describe("streams", () => {
  it("are limited for each address; who gets none is told so, and may ask instead", async () => {
    const open = await Promise.all(Array.from({ length: 24 }, () => Page.open("/api/live?topic=pool")));
    const refused = await Page.open("/api/live?topic=pool");

    expect(new Set(open.map(({ status }) => status))).toEqual(new Set([200]));
    expect(refused.status).toBe(503);
    expect((await fetch(`${web.url}/api/pool`)).status).toBe(200);
    open[0]?.close();
    await until("a place", async () => streams.size === 23);
    expect((await Page.open("/api/live?topic=pool")).status).toBe(200);
  });

  it("of a wrong topic are refused with what was expected", async () => {
    expect((await Page.open("/api/live?topic=admin")).status).toBe(400);
    expect((await Page.open("/api/live")).status).toBe(400);
  });

  it("end when the pool stops, which waits for none of them", async () => {
    const page = await Page.open("/api/live?topic=pool");
    const before = performance.now();
    await web.stop();

    expect(performance.now() - before).toBeLessThan(900);
    await until("the stream's end", async () => !page.isOpen);
    expect(streams.size).toBe(0);
  });
});
