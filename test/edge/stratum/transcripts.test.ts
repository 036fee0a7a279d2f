/** Every recorded conversation against the real server, byte for byte; what differs must be in the protocol page. */

import { describe, expect, it } from "vitest";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import { CLAUSES, documentedClauses, explanations } from "../../support/stratum/clauses.ts";
import { type Difference, findDifferences } from "../../support/stratum/differences.ts";
import { Accounts, recordedHasher, replay } from "../../support/stratum/replay.ts";
import { readTranscript, transcriptNames } from "../../support/stratum/transcript.ts";

const hasher = smallHasher(10);
const accounts = new Accounts();
const explained = new Map<string, Difference[]>();

// auth_miner was recorded after auth_raw, with the users that auth_raw had made.
const names = transcriptNames().sort((a, b) => Number(a === "auth_miner") - Number(b === "auth_miner"));

describe("the server replays the recorded conversations", () => {
  it("finds all 16 of them", () => {
    expect(names).toHaveLength(16);
  });

  it.each(names)("%s: every line is equal or explained by exactly one clause", async (name) => {
    const steps = readTranscript(name);
    const table = name === "miner_30bit" ? recordedHasher(steps) : hasher;

    const recovered = await replay({ name, steps, hasher: table, accounts });

    const { differences, compared } = findDifferences(name, steps, recovered);
    expect(compared).toBe(steps.filter((step) => step.kind === "server").length);
    for (const difference of differences) {
      const ids = explanations(difference);
      expect(
        ids,
        `connection ${difference.conn}\n  recorded: ${difference.theirs}\n  ours:     ${difference.ours}`,
      ).toHaveLength(1);
      for (const id of ids) explained.set(id, [...(explained.get(id) ?? []), difference]);
    }
  });

  it("the protocol page lists exactly the clauses that are tested", () => {
    expect(documentedClauses()).toEqual(Object.keys(CLAUSES));
  });

  it("every clause explains a difference", () => {
    const idle = Object.keys(CLAUSES).filter((id) => !explained.has(id));
    expect(idle).toEqual([]);
  });
});
