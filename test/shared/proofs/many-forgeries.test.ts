import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { WorkTree } from "../../../shared/proofs/merkle-proof.ts";
import { FORGERIES, tryForgeries } from "../../support/forgeries.ts";
import { blockOf, diceOf, POOL_KEYS } from "../../support/proofs.ts";

describe("a forged proof file", () => {
  it("is caught in 1,000 of 1,000 random forgeries of every kind, in a block of 10,000 workers", () => {
    const tree = new WorkTree(1000, blockOf(10_000, diceOf("ten thousand")));

    const tally = tryForgeries(1000, toHex(POOL_KEYS.publicKey), () => tree);

    expect(tally).toEqual({ made: 1000, missed: [], refusedHonest: 0, kinds: Object.keys(FORGERIES).length });
  });
});
