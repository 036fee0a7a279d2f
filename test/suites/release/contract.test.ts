/**
 * The last release's own code on the tables of today: what an operator runs who takes an update back, and what still runs while one goes on
 * (CONTRIBUTING.md, "A migration").
 */

import { execFile } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createTestDatabase } from "../../support/database.ts";
import { TEMPLATE } from "../../support/made-database.ts";
import { isRunnable } from "../../support/optional-suite.ts";
import { checkOut, readReleases, releasedFile, whyNoHistory } from "../../support/releases.ts";

/** Of a release's tests those that run the pool's statements; what tests the migrations themselves makes its tables itself. */
const CONTRACT = [
  "test/functions/accounting/",
  "test/functions/api/routes",
  "test/functions/auth/miner-login.test.ts",
  "test/functions/poll/poll.test.ts",
  "test/shared/audit/",
  "test/shared/db/edges.test.ts",
  "test/shared/db/ordering.test.ts",
  // 0.1.0 has them in one file, later releases in a folder.
  "test/infra/cli/books",
];
const [release] = readReleases();
const runnable = isRunnable("test:release", whyNoHistory(release));

describe.runIf(runnable)(`release ${release.version} on the tables of today`, () => {
  let folder: string;
  beforeAll(() => {
    folder = checkOut(release);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function run(args: string[], env: Record<string, string>): Promise<{ code: number; out: string }> {
    return new Promise((resolve) => {
      const inherited = { PATH: process.env["PATH"], HOME: folder, NO_COLOR: "1" };
      const options = { cwd: folder, env: { ...inherited, ...env }, maxBuffer: 64 * 1024 * 1024 };
      execFile(process.execPath, args, options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), out: `${stdout}${stderr}` }),
      );
    });
  }

  /** Its tests, in databases that are copies of the template in this server. */
  function runTests(files: readonly string[]): Promise<{ code: number; out: string }> {
    const vitest = join("node_modules", "vitest", "vitest.mjs");
    return run([vitest, "run", "--project", "test", ...files], {
      PROSPER_TEST_POSTGRES: inject("postgresUrl"),
    });
  }

  it("starts: it takes the newer database as it is", async () => {
    const database = await createTestDatabase({ driver: "pg" });
    const { code, out } = await run(["infra/cli/main.ts", "db", "migrate"], { DATABASE_URL: database.url });
    await database.drop();

    expect(out).toContain("The database is up to date");
    expect(code).toBe(0);
  });

  it("passes its own tests", async () => {
    const { code, out } = await runTests(CONTRACT);

    expect(out.slice(-4_000)).toMatch(/Test Files +\d\d+ passed/);
    expect(code).toBe(0);
  });

  it("would not, were something gone that it uses", async () => {
    const owner = async (...statements: string[]): Promise<void> => {
      const url = inject("postgresUrl");
      const client = new pg.Client({ connectionString: url.replace(/[^/]+$/, TEMPLATE) });
      await client.connect();
      for (const statement of statements) await client.query(statement);
      await client.end();
    };
    await owner("ALTER TABLE jobs RENAME COLUMN fee_rate TO rate");
    const { code, out } = await runTests(["test/shared/audit/replay.test.ts"]);
    await owner("ALTER TABLE jobs RENAME COLUMN rate TO fee_rate");

    expect(out).toContain("fee_rate");
    expect(code).toBe(1);
  });
});

describe.runIf(runnable)("the changelog", () => {
  const sectionOf = (changelog: string, heading: string): string[] =>
    changelog
      .split(/^## /m)
      .find((section) => section.startsWith(heading))
      ?.split("\n")
      .filter((line) => line.startsWith("- ")) ?? [];

  it("lists under the release what its commit listed as pending: what came later is pending again", async () => {
    const now = readFileSync(join(import.meta.dirname, "../../../CHANGELOG.md"), "utf8");

    expect(sectionOf(now, release.version)).toEqual(
      sectionOf(releasedFile(release, "CHANGELOG.md"), "Pending"),
    );
  });
});
