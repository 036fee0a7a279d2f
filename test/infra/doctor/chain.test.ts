/** The doctor's checks of the chain: the nodes, and the roots that are written there. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Patient } from "../../../infra/doctor/finding.ts";
import { sql } from "../../../shared/db/port.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { TestPatient } from "../../support/patient.ts";

let pool: TestPatient;
beforeEach(async () => {
  pool = await TestPatient.open();
});
afterEach(() => pool.close());

describe("broken, it is named with its cure:", () => {
  it("factomd: away, behind, on another chain, only one, not followed", async () => {
    const good = { url: "http://one", factomd: await pool.node() };
    const away = await pool.node({ heights: () => Promise.reject(new Error("connect ECONNREFUSED")) });
    expect(await pool.reds({ nodes: [good, { url: "http://two", factomd: away }] })).toEqual([
      "factomd: http://two does not answer: connect ECONNREFUSED → Start it, or correct factom.factomdlocation (--fhost)",
    ]);
    expect(
      await pool.reds({ nodes: [good, { url: "http://two", factomd: await pool.node({}, 7) }] }),
    ).toEqual([expect.stringMatching(/^factomd: http:\/\/two is at block \d+, 7 behind → Let it catch up/)]);
    const dblockByHeight: Factomd["dblockByHeight"] = async (height) => {
      const block = await good.factomd.dblockByHeight(height);
      return block && { ...block, keyMr: "f".repeat(64) };
    };
    const other = await pool.node({ dblockByHeight });
    expect(await pool.reds({ nodes: [good, { url: "http://two", factomd: other }] })).toEqual([
      expect.stringMatching(
        /^factomd: at block \d+ the books has \w+…, http:\/\/two has f+… → .*different networks/,
      ),
    ]);
    const ahead = [{ url: "http://one", factomd: await pool.node({}, -9) }];
    expect(await pool.reds({ nodes: ahead })).toEqual([
      expect.stringMatching(
        /^factomd: the books are at block \d+, 9 behind the node \(about 90 min\) → Does the pool run/,
      ),
    ]);
    expect((await pool.look({ nodes: [good] })).filter(({ level }) => level === "warn")).toEqual([
      expect.objectContaining({ check: "factomd", said: expect.stringContaining("one node only") }),
    ]);
  });

  it("roots: off, none yet, behind, and another one on the chain than in the books", async () => {
    const said = async (config: Patient["config"]): Promise<string[]> =>
      (await pool.look({ config }))
        .filter(({ check }) => check === "roots")
        .map(({ level, said }) => `${level}: ${said}`);
    expect(await said(pool.config())).toEqual([
      "skipped: roots are not written to a chain: roots.publish is devnet",
    ]);
    const on = pool.config('[roots]\npublish = "on"');
    expect(await said(on)).toEqual(["warn: no root was written to the chain yet"]);

    const { db } = pool.database;
    const chainId = "c".repeat(64);
    await db.execute(
      sql`INSERT INTO root_chains (chain_id, key, read_through) VALUES (${chainId}, 'key', 210004)`,
    );
    await pool.forced(sql`UPDATE jobs SET sealed_at = now() - interval '2 hours' WHERE state = 'sealed'`);
    expect(await said(on)).toEqual(["warn: 3 sealed blocks have no root on the chain, the oldest for 2 h"]);
    await db.execute(sql`INSERT INTO chain_roots (height, entry_hash, placed_in, place, root, reward, carried_in, fee, paid, carried, books)
      SELECT height, height::text, height + 1, 0, root, reward, carried_in, fee, paid, carried, '' FROM jobs WHERE state = 'sealed'`);
    expect(await said(on)).toEqual([
      `ok: up to block 210002 on chain ${chainId}, 0 entry credits in the last day`,
    ]);

    await pool.forced(sql`UPDATE jobs SET fee = fee + 1, paid = paid - 1 WHERE height = 210001`);
    expect((await pool.reds()).filter((line) => line.startsWith("roots"))).toEqual([
      expect.stringMatching(
        /^roots: the chain says something else than the pool of block 210001 → Sealed books were changed/,
      ),
    ]);
  });
});
