/**
 * A pool that has run for long, seeded by test/support/load/large-pool.ts: what each page, route and statement takes, by the server's own clock, and
 * what the pool's rigs falling silent all at once takes to tell their owners. Every request is asked of a handler that has nothing in memory; what
 * changes something is taken back. Each run first asks every request once, not counted: the database of a pool that has run for long was not started
 * a moment ago. `node test/bench/seeded.ts [--rigs N] [--farm N] [--users N] [--blocks N] [--runs N] [--times N]`; with `--folder DIR` the books are
 * kept there for the next time, with `--only TEXT` only what has the text in its name is asked. Exits with 1 where a bar is not held.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { apiRoutes, createApiHandler } from "../../functions/api/handler.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import { LOCAL_CONTEXT } from "../../functions/local-context.ts";
import { loadConfig } from "../../infra/config/load.ts";
import { openDashboard } from "../../infra/dashboard/open.ts";
import { apiOfPool } from "../../infra/pool/pool-web.ts";
import { type Clock, systemClock, systemRandom } from "../../shared/clock.ts";
import { keepBookedSums } from "../../shared/db/booked-sums.ts";
import { one, sql } from "../../shared/db/port.ts";
import { SILENT } from "../../shared/logger.ts";
import { eventOf } from "../support/http-client.ts";
import { type Ask, asksOf, cookiesOfAll, PASSWORD } from "../support/load/asks.ts";
import { seedLargePool } from "../support/load/large-pool.ts";
import { undoable } from "../support/load/undone.ts";
import { POOL_KEYS } from "../support/proofs.ts";
import { openBooks } from "./books.ts";
import { median, quantile } from "./figures.ts";
import { Room } from "./room.ts";
import { type DarkTimes, farmDark } from "./seeded/farm-dark.ts";
import { type StatementTime, statementTimes, watchStatements } from "./seeded/statements.ts";

const REQUEST_MS = 100;
const STATEMENT_MS = 50;
const ALERTS_SECONDS = 5;
const SHOWN_STATEMENTS = 15;
/** Prices were polled so long before the seed's now. */
const PRICES_AGE_MS = 40_000;

const { values } = parseArgs({
  options: {
    ...{ rigs: { type: "string", default: "10000" }, farm: { type: "string", default: "2841" } },
    ...{ users: { type: "string", default: "500" }, blocks: { type: "string", default: "10000" } },
    ...{ runs: { type: "string", default: "5" }, times: { type: "string", default: "20" } },
    ...{ folder: { type: "string" }, only: { type: "string", default: "" } },
  },
});
const [rigs, farm, users, blocks] = [values.rigs, values.farm, values.users, values.blocks].map(Number) as [
  number,
  number,
  number,
  number,
];
const [runs, times] = [Number(values.runs), Number(values.times)];

/** In a folder with books: what they were seeded with, written when that is done. */
const MARKER = "seeded";
const SIZES = `${rigs} rigs (${farm} of one user), ${users} users, ${blocks} blocks`;

/** Of one request, by one run. */
interface Asked {
  readonly ms: number[];
  /** CPU time of a request in milliseconds, of both processes. */
  cpuMs: number;
  bytes: number;
  status: number;
}
const nothingAsked = (): Asked => ({ ms: [], cpuMs: 0, bytes: 0, status: 0 });

const room = new Room();
try {
  process.exitCode = (await measure()) ? 0 : 1;
} finally {
  await room.tidy();
}

/** Whether the folder has these books already. Throws where it has others, or half of them. */
function isSeeded(): boolean {
  if (values.folder === undefined || !existsSync(join(values.folder, "postgres"))) return false;
  const marker = join(values.folder, MARKER);
  const has = existsSync(marker) ? readFileSync(marker, "utf8").trim() : "a seed that was not finished";
  if (has === SIZES) return true;
  throw new Error(`${values.folder} has ${has}, not ${SIZES}: remove it, or name another folder`);
}

async function measure(): Promise<boolean> {
  const isKept = isSeeded();
  const books = await openBooks(room, values.folder);
  const passwords = createPasswords({}, { random: systemRandom });
  let nowMs = Date.now();
  const pool = { sealed: 999 + blocks, running: 1000 + blocks };
  if (isKept) {
    const kept = await one(
      books.db,
      sql`SELECT extract(epoch FROM max(at))::float8 * 1000 AS at FROM prices`,
      v.object({ at: v.number() }),
    );
    nowMs = kept.at + PRICES_AGE_MS;
  } else {
    const began = performance.now();
    const password = await passwords.hash(PASSWORD);
    await seedLargePool(books.db, { nowMs, rigs, farm, users, blocks, password });
    if (values.folder !== undefined) writeFileSync(join(values.folder, MARKER), SIZES);
    console.log(`seeded in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  // As the janitor does, minute after minute.
  while ((await keepBookedSums(books.db)) > 0);
  await watchStatements(books);
  const beganMs = performance.now();
  const wallMs = (): number => nowMs + performance.now() - beganMs;
  const clock: Clock = { ...systemClock, wallMs };
  const { db, undone } = undoable(books.db);
  const config = loadConfig("no-file", { required: false, overrides: [] });
  const assets = await openDashboard();
  const modules = { db, clock, random: systemRandom, logger: SILENT, passwords, receiptKeys: POOL_KEYS };
  const api = apiOfPool({ config, version: "0", lxrBits: 30 }, modules, assets);
  const cookies = await cookiesOfAll(createApiHandler(api.options, api.modules));
  const asks = asksOf(apiRoutes(api.options, api.modules), pool).filter(({ name }) =>
    name.includes(values.only),
  );
  const ask = async (one: Ask, asked: Asked): Promise<void> =>
    one.method === "GET" ? send(one, asked) : undone(() => send(one, asked));
  const send = async (one: Ask, asked: Asked): Promise<void> => {
    const handler = createApiHandler(api.options, api.modules);
    const { method, path, query, body, headers } = one;
    const sent = { query, body, headers: { "accept-encoding": "br, gzip", ...headers } };
    const event = eventOf(method, path, sent, cookies.get(one.who) ?? []);
    const sinceMs = performance.now();
    const reply = await handler(event, LOCAL_CONTEXT);
    asked.ms.push(performance.now() - sinceMs);
    asked.bytes = Buffer.byteLength(reply.body ?? "", reply.isBase64Encoded === true ? "base64" : "utf8");
    asked.status = reply.statusCode ?? 0;
  };
  const used = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6 + books.cpuSeconds();
  };
  const rounds: { asked: Map<Ask, Asked>; statements: StatementTime[]; dark: DarkTimes; cpu: number }[] = [];
  for (let run = 0; run < runs; run++) {
    for (const one of asks) await ask(one, nothingAsked());
    await statementTimes(books.db);
    const asked = new Map<Ask, Asked>();
    const before = used();
    for (const one of asks) {
      const mine = nothingAsked();
      asked.set(one, mine);
      const mineBefore = used();
      for (let n = 0; n < times; n++) await ask(one, mine);
      mine.cpuMs = ((used() - mineBefore) * 1000) / times;
    }
    const cpu = used() - before;
    rounds.push({
      asked,
      statements: await statementTimes(books.db),
      dark: await farmDark(books, wallMs),
      cpu,
    });
  }
  return report(asks, rounds);
}

function report(
  asks: readonly Ask[],
  rounds: readonly { asked: Map<Ask, Asked>; statements: StatementTime[]; dark: DarkTimes; cpu: number }[],
): boolean {
  let isHeld = true;
  const over = (is: boolean): string => {
    if (is) isHeld = false;
    return is ? "  OVER" : "";
  };
  console.log(
    `${SIZES}; medians over ${runs} runs of ${times} requests each; load ${loadavg()[0]?.toFixed(1)}`,
  );
  console.log("   p50      p95     CPU ms    bytes  status");
  const shown = asks.map((one) => {
    const mine = rounds.flatMap(({ asked }) => asked.get(one) ?? []);
    const of = (q: number): number => median(mine.map(({ ms }) => quantile(ms, q)));
    const [first] = mine;
    return {
      ...{ one, p50: of(0.5), p95: of(0.95), cpu: median(mine.map(({ cpuMs }) => cpuMs)) },
      ...{ bytes: first?.bytes ?? 0, status: first?.status ?? 0 },
    };
  });
  for (const { one, p50, p95, cpu, bytes, status } of shown.toSorted((a, b) => b.p95 - a.p95)) {
    const isBroken =
      status >= 500 || (one.method === "GET" && status >= 400 && one.name !== "page not found");
    console.log(
      `${p50.toFixed(1).padStart(7)} ${p95.toFixed(1).padStart(8)} ${cpu.toFixed(1).padStart(8)} ${String(bytes).padStart(9)}  ${status}  ${one.name} (${one.who ?? "visitor"})${over(p95 > REQUEST_MS)}${isBroken ? over(true) : ""}`,
    );
  }
  console.log(
    `CPU of all of them, both processes: ${median(rounds.map(({ cpu }) => cpu)).toFixed(1)} s a run`,
  );
  const texts = new Set(rounds.flatMap(({ statements }) => statements.map(({ text }) => text)));
  const slow = [...texts].map((text) => {
    const mine = rounds.flatMap(({ statements }) => statements.filter((other) => other.text === text));
    return {
      text,
      max: median(mine.map(({ maxMs }) => maxMs)),
      mean: median(mine.map(({ meanMs }) => meanMs)),
    };
  });
  console.log("statements: the slowest, and the mean, in ms");
  for (const { text, max, mean } of slow.toSorted((a, b) => b.max - a.max).slice(0, SHOWN_STATEMENTS))
    console.log(
      `${max.toFixed(1).padStart(7)} ${mean.toFixed(1).padStart(9)}  ${text.replaceAll(/\s+/g, " ").slice(0, 160)}${over(max > STATEMENT_MS)}`,
    );
  const dark = (key: keyof DarkTimes): number => median(rounds.map((round) => round.dark[key]));
  const all = dark("look") + dark("dark") + dark("told") + dark("back");
  console.log(
    `every rig silent at once: ${dark("changed")} states changed, ${dark("messages")} messages; CPU of both processes: a look ${dark("look").toFixed(2)} s, all silent ${dark("dark").toFixed(2)} s, told ${dark("told").toFixed(2)} s, all back ${dark("back").toFixed(2)} s, together ${all.toFixed(2)} s${over(all > ALERTS_SECONDS)}`,
  );
  return isHeld;
}
