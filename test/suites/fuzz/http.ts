/** Requests against the pool's real web server over sockets: known paths with odd parameters and bodies, and bytes that are no HTTP. */

import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { createApiHandler } from "../../../functions/api/handler.ts";
import { createWebAccounts } from "../../../functions/auth/web-accounts.ts";
import { LOCAL_CONTEXT } from "../../../functions/local-context.ts";
import { openDashboard } from "../../../infra/dashboard/open.ts";
import { startWeb } from "../../../infra/pool/web.ts";
import { systemClock } from "../../../shared/clock.ts";
import { insertUser } from "../../../shared/db/accounts.ts";
import type { Db } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { addressOf, cheapPasswords } from "../../support/accounts.ts";
import type { Chance } from "../../support/random.ts";
import { drawEvent, type SeedRequest } from "./http-event.ts";
import { mutateBytes, mutateJson, mutateText, randomBytes } from "./mutate.ts";
import { checkUnpolluted, type Part } from "./report.ts";

const PASSWORD = "a long password";
/** Many: half a request is waited for, and others go on meanwhile. */
const LANES = 24;
/** The part of the requests that comes as API Gateway's events. */
const EVENTS = 0.2;
const METHODS = [
  "GET",
  "GET",
  "GET",
  "POST",
  "POST",
  "PUT",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "TRACE",
  "get",
  "X",
];
const ANSWER_MS = 20_000;

/** `METHOD path [body]` a line. */
function seedRequests(): SeedRequest[] {
  const corpus = readFileSync(new URL("corpus/http.txt", import.meta.url), "utf8");
  return corpus
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, method = "GET", path = "/", body = ""] = /^(\S+) (\S+) ?(.*)$/.exec(line) ?? [];
      return { method, path, body };
    });
}

/** `seed` fills the books once the users are there. */
export function httpPart(chance: Chance, db: Db, seed: () => Promise<unknown>): Part {
  return {
    name: "http",
    async run(count, done) {
      const passwords = cheapPasswords({ concurrency: 8, queueLimit: 1_000 });
      const password = await passwords.hash(PASSWORD);
      await insertUser(db, { name: "ann", password, payoutAddress: addressOf("ann") });
      await insertUser(db, { name: "boss", password, payoutAddress: null, isAdmin: true });
      await seed();
      const random = chance.bytes();
      const accounts = createWebAccounts(
        { openRegistration: true },
        { db, passwords, clock: systemClock, random },
      );
      const broken: string[] = [];
      const logger = {
        ...SILENT,
        error: (message: string, data?: Record<string, unknown>) =>
          void broken.push(`${message} ${JSON.stringify(data)?.slice(0, 600)}`),
      };
      const handler = createApiHandler(
        {
          ...{ poolName: "Fuzz", version: "0", blockSeconds: 600, registration: "open", lxrBits: 30 },
          stratum: { port: 1234 },
        },
        { db, clock: systemClock, random, accounts, logger, assets: await openDashboard() },
      );
      const web = await startWeb({ host: "127.0.0.1", port: 0 }, { handler, logger });
      const seeds = seedRequests();
      const statuses = new Map<string, number>();
      let left = count;
      const answerEvent = async (event: APIGatewayProxyEventV2): Promise<string> =>
        `${(await handler(event, LOCAL_CONTEXT)).statusCode ?? "none"}`;
      const lane = async (): Promise<void> => {
        const client = new Client(web.port);
        const cookie = chance.hit(0.5) ? await client.login(chance.pick(["ann", "boss"])) : "";
        while (left > 0) {
          left -= 1;
          const status = chance.hit(EVENTS)
            ? await answerEvent(drawEvent(chance.pick(seeds), cookie, chance))
            : await client.send(drawRequest(seeds, cookie, chance));
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          checkUnpolluted();
          if (broken.length > 0) throw new Error(`a request broke the server: ${broken[0]}`);
          done(1);
        }
        client.end();
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      await web.stop();
      console.log(
        `           answers ${JSON.stringify(Object.fromEntries([...statuses].sort(([a], [b]) => (a < b ? -1 : 1))))}`,
      );
      if ((statuses.get("500") ?? 0) > 0)
        throw new Error(`${statuses.get("500")} requests were answered 500`);
    },
  };
}

function drawRequest(seeds: readonly SeedRequest[], cookie: string, chance: Chance): Uint8Array {
  const kind = chance.whole(0, 99);
  if (kind < 3) return randomBytes(chance, chance.whole(1, 300));
  const seed = chance.pick(seeds);
  const method = chance.hit(0.8) ? seed.method : chance.pick(METHODS);
  const path = chance.hit(0.5) ? seed.path : mutateText(seed.path, chance).replaceAll(/[\r\n]/g, "");
  const text = chance.hit(0.4) ? seed.body : mutateJson(seed.body, chance);
  const body = Buffer.from(chance.hit(0.2) ? mutateText(text, chance) : text);
  const headers = [
    "host: 127.0.0.1",
    ...(body.length > 0 || chance.hit(0.1)
      ? [`content-length: ${body.length}`, "content-type: application/json"]
      : []),
    ...(cookie === ""
      ? []
      : [`cookie: ${chance.hit(0.9) ? cookie : mutateText(cookie, chance).replaceAll(/[\r\n]/g, "")}`]),
    ...(chance.hit(0.7) ? ["origin: http://127.0.0.1"] : []),
    ...(chance.hit(0.1)
      ? [`x-forwarded-for: ${mutateText("1.2.3.4", chance).replaceAll(/[\r\n]/g, "")}`]
      : []),
  ];
  const request = Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`),
    body,
  ]);
  return kind < 10 ? mutateBytes(request, chance) : request;
}

/** One connection after the other; a request that leaves the server waiting is cut off. */
class Client {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  async login(user: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: `http://127.0.0.1:${this.#port}` },
      body: JSON.stringify({ name: user, password: PASSWORD, code: "" }),
    });
    // Of the session, and of the device.
    const cookies = response.headers.getSetCookie().map((line) => line.split(";")[0] ?? "");
    return cookies.join("; ");
  }

  /** The status, "closed", or "waits" where the server wants more bytes. */
  send(request: Uint8Array): Promise<string> {
    const socket = this.#socket ?? this.#open();
    return new Promise((resolve, reject) => {
      let text = "";
      const timer = setTimeout(() => reject(new Error("the server does not answer")), ANSWER_MS);
      const finish = (status: string, isReusable: boolean): void => {
        clearTimeout(timer);
        clearTimeout(impatience);
        socket.removeAllListeners("data");
        socket.removeAllListeners("close");
        if (!isReusable) this.end();
        resolve(status);
      };
      // Half a request: nothing will come before the server's own deadline.
      const impatience = setTimeout(() => text === "" && finish("waits", false), 250);
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        const whole = wholeAnswer(text);
        if (whole !== undefined) finish(whole.status, whole.isReusable);
      });
      socket.on("close", () => finish(/^HTTP\/1.1 (\d+)/.exec(text)?.[1] ?? "closed", false));
      socket.write(request);
    });
  }

  end(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #open(): Socket {
    const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
    socket.on("error", () => undefined);
    this.#socket = socket;
    return socket;
  }
}

/** Once the head is there and as much body as it names; never reused where a body may follow that nobody can tell. */
function wholeAnswer(text: string): { status: string; isReusable: boolean } | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = text.slice(0, end).toLowerCase();
  const status = /^http\/1.1 (\d+)/.exec(head)?.[1] ?? "odd";
  const length = /content-length: (\d+)/.exec(head)?.[1];
  if (length === undefined || text.length < end + 4 + Number(length)) return { status, isReusable: false };
  return { status, isReusable: !head.includes("connection: close") };
}
