/**
 * How long each function takes from a fresh process to its first answer, over the Data API: what a Lambda's cold start adds to a request,
 * on this machine. `node test/bench/cold-start.ts [RUNS]`
 */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { FunctionName } from "../../functions/environment.ts";
import { bundleFunctions } from "../../infra/aws/bundle.ts";
import { startDataApiServer } from "../../infra/emulator/data-api/server.ts";
import { startPostgres } from "../../infra/pool/embedded-postgres.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { migrate } from "../../shared/db/migrate.ts";
import { SILENT } from "../../shared/logger.ts";
import { httpEvent, lambdaEnvironment } from "../support/aws/lambda-process.ts";

const run = promisify(execFile);
const RUNS = Number(process.argv[2] ?? "7");
/** A first request each. */
const EVENTS: readonly [FunctionName, unknown][] = [
  ["accounting", { Records: [] }],
  ["auth", { v: 1, kind: "authorize", user: "nobody", password: "secret", invite: "", address: "" }],
  ["api", httpEvent("GET", "/api/pool")],
  ["janitor", {}],
];

const folder = mkdtempSync(join(tmpdir(), "prosper-cold-"));
const bundles = await bundleFunctions(join(folder, "bundles"));
const postgres = await startPostgres({ dir: join(folder, "postgres"), unsafeFast: true });
const db = openPg({ url: postgres.url });
await migrate(db);
await db.close();
const dataApi = await startDataApiServer(
  { databaseUrl: postgres.url },
  { clock: systemClock, random: systemRandom, logger: SILENT },
);

process.stdout.write("function     size kB   import ms   first answer ms   second ms   (medians)\n");
try {
  for (const [name, event] of EVENTS) {
    const times: Times[] = [];
    for (let i = 0; i < RUNS; i++) times.push(await coldStart(name, event));
    const median = (of: (time: Times) => number): string =>
      (times.map(of).toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0).toFixed(0);
    const size = (bundles[name].bytes / 1000).toFixed(0);
    process.stdout.write(
      `${name.padEnd(12)} ${size.padStart(7)} ${median((t) => t.importMs).padStart(11)} ${median((t) => t.firstMs).padStart(17)} ${median((t) => t.secondMs).padStart(11)}\n`,
    );
  }
} finally {
  await dataApi.close();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

interface Times {
  readonly importMs: number;
  readonly firstMs: number;
  readonly secondMs: number;
}

async function coldStart(name: FunctionName, event: unknown): Promise<Times> {
  const script = `
    const t0 = performance.now();
    const { handler } = await import(${JSON.stringify(`file://${bundles[name].folder}/index.mjs`)});
    const t1 = performance.now();
    const context = { getRemainingTimeInMillis: () => 30000 };
    await handler(${JSON.stringify(event)}, context);
    const t2 = performance.now();
    await handler(${JSON.stringify(event)}, context);
    const t3 = performance.now();
    process.stdout.write("\\nRESULT " + JSON.stringify({ importMs: t1 - t0, firstMs: t2 - t1, secondMs: t3 - t2 }));
    process.exit(0);`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], {
    env: lambdaEnvironment(name, { url: dataApi.url, database: "prosper" }),
  });
  return JSON.parse(stdout.slice(stdout.lastIndexOf("RESULT ") + "RESULT ".length));
}
