/** Which pool of a list is mined on, and when another one. */

import { describe, expect, it } from "vitest";
import {
  AWAY_MS,
  type ChoosableLink,
  IDLE_MS,
  PoolChoice,
  STEADY_MS,
} from "../../../edge/miner/pool-choice.ts";
import { manualClock } from "../../support/manual-clock.ts";

function started(count: number) {
  const clock = manualClock();
  const chosen: number[] = [];
  const links = Array.from({ length: count }, (_, n) => new Link(n, clock));
  const [first, ...others] = links;
  const choice = new PoolChoice<Link>([first ?? expect.unreachable(), ...others], {
    clock,
    onChosen: (link) => chosen.push(link.n),
  });
  choice.start();
  const link = (n: number): Link => links[n] ?? expect.unreachable();
  return {
    choice,
    chosen,
    clock,
    link,
    running: () => links.filter((one) => one.isRunning).map(({ n }) => n),
  };
}

class Link implements ChoosableLink {
  readonly n: number;
  readonly #clock: { monotonicMs(): number };
  #loggedInAtMs: number | undefined;
  isRunning = false;
  isRefused = false;
  hasJob = true;

  constructor(n: number, clock: { monotonicMs(): number }) {
    this.n = n;
    this.#clock = clock;
  }
  get loggedInMs(): number | undefined {
    return this.#loggedInAtMs === undefined ? undefined : this.#clock.monotonicMs() - this.#loggedInAtMs;
  }
  get isReady(): boolean {
    return this.isRunning && this.loggedInMs !== undefined && this.hasJob;
  }
  logIn(): void {
    this.#loggedInAtMs = this.#clock.monotonicMs();
  }
  lose(): void {
    this.#loggedInAtMs = undefined;
  }
  start(): void {
    this.isRunning = !this.isRefused;
  }
  async rest(): Promise<void> {
    this.isRunning = false;
    this.lose();
  }
}

describe("the choice among pools", () => {
  it("needs no clock where there is only one", () => {
    const { clock, link, running } = started(1);
    expect([running(), clock.pending()]).toEqual([[0], 0]);
    link(0).lose();
    clock.advance(10 * AWAY_MS);
    expect(running()).toEqual([0]);
  });

  it("connects to the next one when the first was away for half a minute, and not before", () => {
    const { choice, chosen, clock, link, running } = started(3);
    link(0).logIn();
    clock.advance(3_600_000);
    link(0).lose();
    clock.advance(AWAY_MS - 1_000);
    expect(running()).toEqual([0]);
    clock.advance(2_000);
    expect(running()).toEqual([0, 1]);
    expect(chosen).toEqual([]);

    link(1).logIn();
    choice.look();
    expect(chosen).toEqual([1]);
    clock.advance(3_600_000);
    // The third one was never needed; the first is tried all the time.
    expect(running()).toEqual([0, 1]);
  });

  it("goes down the list, half a minute each, and takes the first that is there", () => {
    const { choice, chosen, clock, link, running } = started(3);
    clock.advance(AWAY_MS + 1_000);
    expect(running()).toEqual([0, 1]);
    clock.advance(AWAY_MS + 1_000);
    expect(running()).toEqual([0, 1, 2]);
    link(2).logIn();
    choice.look();
    expect(chosen).toEqual([2]);
  });

  it("goes back when the first has been there for half a minute, and leaves the others then", () => {
    const { choice, chosen, clock, link, running } = started(2);
    clock.advance(AWAY_MS + 1_000);
    link(1).logIn();
    choice.look();
    clock.advance(60_000);
    link(0).logIn();
    clock.advance(STEADY_MS - 1_000);
    expect(chosen).toEqual([1]);
    clock.advance(2_000);
    expect(chosen).toEqual([1, 0]);
    expect(running()).toEqual([0]);
    expect(choice.active.n).toBe(0);
  });

  it("does not follow a first one that comes and goes", () => {
    const { choice, chosen, clock, link } = started(2);
    clock.advance(AWAY_MS + 1_000);
    link(1).logIn();
    choice.look();
    for (let round = 0; round < 10; round++) {
      link(0).logIn();
      clock.advance(STEADY_MS / 2);
      link(0).lose();
      clock.advance(5_000);
    }
    expect(chosen).toEqual([1]);
  });

  it("takes the first at once when the one mined on is lost meanwhile", () => {
    const { choice, chosen, clock, link } = started(2);
    clock.advance(AWAY_MS + 1_000);
    link(1).logIn();
    choice.look();
    link(0).logIn();
    link(1).lose();
    choice.look();
    expect(chosen).toEqual([1, 0]);
    clock.advance(STEADY_MS + 1_000);
    expect(choice.active.n).toBe(0);
  });

  it("stays between two blocks, and leaves a pool that has told no job for five minutes", () => {
    const { choice, chosen, clock, link, running } = started(2);
    link(0).logIn();
    choice.look();
    link(0).hasJob = false;
    clock.advance(IDLE_MS - 2_000);
    expect(running()).toEqual([0]);
    clock.advance(3_000);
    expect(running()).toEqual([0, 1]);
    link(1).logIn();
    choice.look();
    expect(chosen).toEqual([1]);
    link(0).hasJob = true;
    clock.advance(1_000);
    expect(chosen).toEqual([1, 0]);
  });

  it("tries the next one at once where a login is refused", () => {
    const { choice, link, running } = started(2);
    link(0).isRefused = true;
    link(0).isRunning = false;
    choice.look();
    expect(running()).toEqual([1]);
  });
});
