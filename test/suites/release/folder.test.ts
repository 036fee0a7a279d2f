/** A data folder that a pool of the last release has made, taken on by this version, and back by the release: what `npm start` is to an operator who updates. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRunnable } from "../../support/optional-suite.ts";
import { audit } from "../../support/processes/audit.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { Pool } from "../../support/processes/pool.ts";
import { checkOut, readReleases, whyNoHistory } from "../../support/releases.ts";

const [release] = readReleases();
const runnable = isRunnable("test:release", whyNoHistory(release));
const OLD_DATABASE = /^An older version made this database\. Changed in it now: (\d{4}_\w+\.sql(?:, )?)+\. /m;

describe.runIf(runnable)(`a data folder of release ${release.version}`, () => {
  const dataDir = temporaryFolder();
  let folder: string;
  beforeAll(() => {
    folder = checkOut(release);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const released = (): [string, string] => [process.execPath, join(folder, "infra/launch/prosper.mjs")];

  /** Seals two blocks and stops; what was said on standard error. */
  async function mineTwo(program?: [string, string]): Promise<string> {
    const pool = await Pool.start({ dataDir }, program === undefined ? {} : { program });
    await pool.untilBlocks(2);
    const { code, stderr } = await pool.kill("SIGINT");
    expect(code).toBe(0);
    return stderr;
  }

  it("is taken on: what changes is said, and every block and balance is there still", async () => {
    await mineTwo(released());
    const before = await audit(dataDir, { program: released() });
    const said = await mineTwo();

    expect(said).toMatch(OLD_DATABASE);
    expect(said).toContain("The release before works on with it");
    const { blocks, users } = await audit(dataDir);
    expect(blocks).toBeGreaterThanOrEqual(before.blocks + 2);
    expect(before.paid).toBeGreaterThan(0n);
    for (const [name, { accepted, booked }] of Object.entries(before.users)) {
      expect(users[name]?.accepted).toBeGreaterThanOrEqual(accepted);
      expect(users[name]?.booked).toBeGreaterThanOrEqual(booked);
    }
  });

  it("is taken back by the release, and taken on again with nothing to change", async () => {
    const before = (await audit(dataDir)).blocks;
    await mineTwo(released());
    const said = await mineTwo();

    expect(said).not.toMatch(OLD_DATABASE);
    expect((await audit(dataDir)).blocks).toBeGreaterThanOrEqual(before + 4);
  });
});
