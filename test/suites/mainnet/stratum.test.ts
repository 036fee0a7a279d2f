/** The conversation of a real miner on the 30-bit table: its shares are checked by hashing, not by what was recorded of them. */

import { expect, it } from "vitest";
import { MAINNET_BITS } from "../../../shared/hash/lxr.ts";
import { openTable } from "../../../shared/hash/open-table.ts";
import { LxrPool } from "../../../shared/hash/pool.ts";
import { SILENT } from "../../../shared/logger.ts";
import { explanations } from "../../support/stratum/clauses.ts";
import { findDifferences } from "../../support/stratum/differences.ts";
import { Accounts, replay } from "../../support/stratum/replay.ts";
import { readTranscript } from "../../support/stratum/transcript.ts";

it("miner_30bit: every share is accepted and every line is equal, but for the stop before the subscription, the table's size, and new targets with their prefixes", async () => {
  const table = await openTable({ bits: MAINNET_BITS, logger: SILENT });
  const hasher = new LxrPool({ table, threads: 1 }, { logger: SILENT });
  const name = "miner_30bit";
  const steps = readTranscript(name);

  const replayed = await replay({ name, steps, hasher, accounts: new Accounts() });

  const { differences, compared } = findDifferences(name, steps, replayed);
  // The recorded server never retargets: whatever vardiff gives here comes with a prefix of its own.
  const [stop, size, ...retargets] = differences.map((difference) => explanations(difference));
  expect([stop, size]).toEqual([["D-STOP"], ["D-TABLE"]]);
  expect(retargets).toEqual(retargets.map((_, index) => [index % 2 === 0 ? "D-PREFIX" : "D-VARDIFF"]));
  expect(compared).toBe(steps.filter((step) => step.kind === "server").length);
  await hasher.close();
});
