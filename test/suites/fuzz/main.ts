/** `npm run test:fuzz [-- --seed S --lines N]`: N stratum lines, N/25 HTTP requests and N/10 messages and files; no crash, no unhandled rejection, memory flat. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startPostgres } from "../../../infra/pool/embedded-postgres.ts";
import { openPg } from "../../../shared/db/drivers/pg.ts";
import { migrate } from "../../../shared/db/migrate.ts";
import { Chance } from "../../support/random.ts";
import { seedPool } from "../../support/seed-pool.ts";
import { httpPart } from "./http.ts";
import { parsersPart } from "./parsers.ts";
import { runPart } from "./report.ts";
import { stratumPart } from "./stratum.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    lines: { type: "string", default: "250000" },
    /** Only this part: stratum, http or parsers. */
    only: { type: "string" },
  },
});
const SEED = Number(values.seed);
const LINES = Number(values.lines);
const wants = (part: string): boolean => values.only === undefined || values.only === part;

// So that "flat" is judged by what is in use, not by when the collector ran.
setFlagsFromString("--expose-gc");
globalThis.gc = runInNewContext("gc") as typeof globalThis.gc;

process.on("unhandledRejection", (reason) => void fail("an unhandled rejection", reason));
process.on("uncaughtException", (error) => void fail("an uncaught exception", error));

const folder = mkdtempSync(join(tmpdir(), "prosper-fuzz-pg-"));
let stopDatabase = async (): Promise<void> => undefined;
try {
  if (wants("stratum")) await runPart(stratumPart(new Chance(SEED)), LINES);
  if (wants("parsers")) await runPart(await parsersPart(new Chance(SEED)), Math.ceil(LINES / 10));
  if (wants("http")) await fuzzHttp(Math.ceil(LINES / 25));
} catch (error) {
  await fail("an input broke something", error);
}
await stopDatabase();
rmSync(folder, { recursive: true, force: true });
console.log("no crash, no unhandled rejection, memory flat");
process.exit(0);

async function fuzzHttp(count: number): Promise<void> {
  const postgres = await startPostgres({ dir: folder, unsafeFast: true });
  const db = openPg({ url: postgres.url });
  stopDatabase = async () => {
    await db.close();
    await postgres.stop();
  };
  await migrate(db);
  const seeded = {
    nowMs: Date.now(),
    blocks: 6,
    blockSeconds: 600,
    firstHeight: 1000,
    rivalHashrate: 100_000,
  };
  await runPart(
    httpPart(new Chance(SEED), db, () =>
      seedPool(db, { ...seeded, workers: { "ann/rig": 40_000, "boss/": 9_000 } }),
    ),
    count,
  );
}

/** Never resolves: the process ends with 1. */
function fail(what: string, error: unknown): Promise<never> {
  console.error(`${what}:`, error);
  console.error(
    `replay: npm run test:fuzz -- --seed ${SEED} --lines ${LINES}${values.only === undefined ? "" : ` --only ${values.only}`}`,
  );
  // The server is a child of its own: it must not outlive this run.
  const stop = stopDatabase;
  stopDatabase = async () => undefined;
  void stop().finally(() => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  });
  return new Promise(() => undefined);
}
