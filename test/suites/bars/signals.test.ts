/** What is said of the Go miner rests on these counts. */

import { describe, expect, it } from "vitest";
import { Signals } from "./signals.ts";

const nonce = (prefix: number, counter: number): string =>
  `${prefix.toString(16).padStart(8, "0")}00${counter.toString(16).padStart(8, "0")}`;

describe("what a miner does at a signal", () => {
  it("is counted after a stop until the next announcement, and not after it", () => {
    const signals = new Signals();
    signals.told("mining.notify", ["1000"], 0);
    signals.share(nonce(1, 1), 10);
    signals.told("mining.stop_mining", [], 100);
    signals.share(nonce(1, 2), 105);
    signals.share(nonce(1, 3), 140);
    signals.told("mining.notify", ["1001"], 200);
    signals.share(nonce(1, 4), 300);

    expect(signals.lines()[1]).toBe("1 stops: shares after it 2 / 2, the last one after ms 40 / 40");
  });

  it("is told apart by the prefix after a new one, and the first counter under that is kept", () => {
    const signals = new Signals();
    signals.told("mining.set_nonce", ["4026531841"], 0);
    signals.share(nonce(7, 500), 3);
    signals.share(nonce(0xf000_0001, 18), 20);
    signals.share(nonce(0xf000_0001, 40), 30);
    signals.told("mining.set_nonce", ["8"], 1_000);

    expect(signals.lines().slice(2)).toEqual([
      "1 of 2 new prefixes were used: shares of the old one after it 1 / 1, the last one after ms 3 / 3",
      "the first share of the new one after ms 20 / 20, its counter 18 / 18",
    ]);
  });
});
