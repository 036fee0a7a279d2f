/** The roots of the sealed books on the chain. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect } from "vitest";
import { one, sql } from "../../../../shared/db/port.ts";
import { rootStand } from "../../../../shared/db/root-entries.ts";
import { until } from "../../../support/until.ts";
import type { DeployedPool } from "../deployed-pool.ts";
import { prosper } from "../prosper.ts";
import { WEB_USER } from "./registration.ts";

export async function verifyRoots(pool: DeployedPool): Promise<void> {
  const { cloud, db, front, web } = pool;
  // The newest block that the user worked in, and all before it.
  const { job } = await one(
    db,
    sql`SELECT max(w.job)::int AS job FROM work w JOIN jobs j ON j.height = w.job AND j.state = 'sealed' WHERE w.user_name = ${WEB_USER}`,
    v.object({ job: v.number() }),
  );
  const stand = await until(
    "the roots of all that is sealed",
    async () => {
      const found = await rootStand(db);
      return found !== undefined && (found.lastHeight ?? 0) >= job && found;
    },
    { withinMs: 150_000, everyMs: 1_000 },
  );
  expect(stand.wrong).toEqual([]);
  const proof = join(pool.dataDir, "proof.json");
  writeFileSync(proof, (await web.send("GET", `/api/me/blocks/${job}/proof`)).body);
  const { factomd } = cloud.devnet;
  const said = v.parse(
    v.object({ ok: v.literal(true), checks: v.array(v.object({ text: v.string() })) }),
    await prosper(pool, "prosper", ...["verify", proof, "--factomd", factomd, "--pool", front.url, "--json"]),
  );
  expect(said.checks.map(({ text }) => text).join("\n")).toMatch(/chain/);
  pool.step(
    `the roots up to block ${stand.lastHeight} are on the chain for ${stand.credits} entry credits; prosper verify: ${said.checks.length} checks`,
  );
}
