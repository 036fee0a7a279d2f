/** The operator's orders on an edge: who is barred goes and stays away, all are told, maintenance stops and ends by itself. */

import { describe, expect, it } from "vitest";
import { MiningSwitch } from "../../edge/mining-switch.ts";
import { type Ordered, Orders } from "../../edge/orders.ts";
import type { Bar } from "../../shared/db/bars.ts";
import type { Notice } from "../../shared/db/notices.ts";
import { SILENT } from "../../shared/logger.ts";
import { manualClock } from "../support/manual-clock.ts";
import { call, startHarness } from "../support/stratum/harness.ts";

const HOUR = 3_600_000;
const START = 1_600_000_000_000;

function bar(change: Partial<Bar> = {}): Bar {
  return {
    ...{ kind: "user", subject: "ann", scope: "mining", reason: "keeps hits back" },
    ...{ untilMs: START + 5_000_000 + HOUR, leftMs: HOUR },
    ...change,
  };
}

function notice(change: Partial<Notice> = {}): Notice {
  return {
    ...{ id: 1n, kind: "announcement", words: "a new fee from Monday", madeBy: "boss", atMs: START },
    ...{ beginsAtMs: START, untilMs: START + HOUR, beginsInMs: 0, leftMs: HOUR },
    ...change,
  };
}

/** An edge's orders and its stratum server, on one clock; the test writes what the database would answer. */
function startEdge() {
  const orders: { value: Orders | undefined } = { value: undefined };
  const harness = startHarness(
    {},
    {},
    {
      barOf: (user, address) => orders.value?.barOf(user, address),
      words: () => orders.value?.words() ?? [],
    },
  );
  const state: { ordered: Ordered; isAway: boolean; isStopped: boolean } = {
    ...{ ordered: { bars: [], notices: [] }, isAway: false, isStopped: false },
  };
  orders.value = new Orders({
    ...{ clock: harness.clock, logger: SILENT },
    read: async () => {
      if (state.isAway) throw new Error("the database is away");
      return state.ordered;
    },
    onBars: () => harness.server.barsChanged(),
    onWords: (words) => harness.server.tell(words),
    onMaintenance: (isOn) => (state.isStopped = isOn),
  });
  const stop = new AbortController();
  return { ...harness, orders: orders.value, state, stop };
}

describe("a bar", () => {
  it("of a user ends its sessions in words, refuses its next login, and leaves others alone", async () => {
    const { orders, state, miner, connect, ends } = startEdge();
    await orders.refresh();
    const [ann, bob] = [await miner("ann,rig"), await miner("bob,rig")];
    state.ordered = { bars: [bar()], notices: [] };

    await orders.refresh();
    await Promise.all([ann.fence(), bob.fence()]);

    expect(ann.closed).toBe(true);
    expect(ann.lines.join("")).toContain("barred you, until 2020-09-13");
    expect(ends).toEqual(["barred"]);
    expect(bob.closed).toBe(false);
    const again = connect();
    again.send(call(1, "mining.authorize", "ann,rig", "", "", ""));
    await again.fence();
    expect(again.lines[0]).toMatch(/"result":false/);
    expect(again.lines[0]).not.toContain("keeps hits back");
    const owner = connect();
    owner.send(call(1, "mining.authorize", "ann,rig", "the password", "", ""));
    await owner.fence();
    expect(owner.lines[0]).toMatch(/"result":false.*keeps hits back/);
  });

  it("is told to nobody who may not log in as that user", async () => {
    const { orders, state, backend, connect } = startEdge();
    state.ordered = { bars: [bar()], notices: [] };
    await orders.refresh();
    backend.login = async () => ({ kind: "refused", reason: "wrong password" });
    const client = connect();
    client.send(call(1, "mining.authorize", "ann,rig", "a guess", "", ""));
    await client.fence();

    expect(client.lines[0]).toContain("wrong password");
  });

  it("of a range sends everybody from there away, also who connects", async () => {
    const { orders, state, miner, connect, ends } = startEdge();
    const inside = await miner("ann,rig", "203.0.113.9");
    const outside = await miner("bob,rig", "203.0.114.9");
    state.ordered = { bars: [bar({ kind: "address", subject: "203.0.113.0/24" })], notices: [] };
    await orders.refresh();
    const late = connect("203.0.113.77");
    await Promise.all([inside.fence(), late.fence(), outside.fence()]);

    expect([inside.closed, late.closed, outside.closed]).toEqual([true, true, false]);
    expect(late.lines.join("")).toContain("barred you");
    expect(ends).toEqual(["barred", "barred"]);
  });

  it("ends at its end by the monotonic clock, and stands while the database is away", async () => {
    const { orders, state, clock, connect } = startEdge();
    state.ordered = { bars: [bar()], notices: [] };
    await orders.refresh();
    state.isAway = true;
    await orders.refresh();
    expect(orders.barOf("ann", "10.0.0.1")).toBeDefined();

    clock.advance(HOUR);

    expect(orders.barOf("ann", "10.0.0.1")).toBeUndefined();
    const ann = connect();
    ann.send(call(1, "mining.authorize", "ann,rig", "", "", ""));
    await ann.fence();
    expect(ann.lines[0]).toMatch(/"result":true/);
  });
});

describe("a notice", () => {
  it("is told once to whoever is logged in, and to others when they log in", async () => {
    const { orders, state, miner, connect } = startEdge();
    await orders.refresh();
    const client = await miner();
    const stranger = connect();
    state.ordered = { bars: [], notices: [notice()] };
    await orders.refresh();
    await orders.refresh();
    await Promise.all([client.fence(), stranger.fence()]);

    expect(client.take().filter((line) => line.includes("a new fee from Monday"))).toHaveLength(1);
    expect(stranger.lines).toEqual([]);
    stranger.send(call(1, "mining.authorize", "bob,rig", "", "", ""));
    await stranger.fence();
    expect(stranger.lines.join("")).toContain("a new fee from Monday");
  });

  it("of maintenance is told before, stops the miners from its beginning, and lets them go on at its end", async () => {
    const { orders, state, clock, miner } = startEdge();
    await orders.refresh();
    const client = await miner();
    const times = { beginsAtMs: clock.wallMs() + HOUR, untilMs: clock.wallMs() + 2 * HOUR };
    state.ordered = {
      bars: [],
      notices: [
        notice({ kind: "maintenance", words: "a new disk", ...times, beginsInMs: HOUR, leftMs: 2 * HOUR }),
      ],
    };
    await orders.refresh();
    await client.fence();
    expect(client.take().join("")).toMatch(/maintenance from 20\S+ \S+ UTC until 20\S+ \S+ UTC: a new disk/);
    expect(state.isStopped).toBe(false);

    state.isAway = true;
    clock.advance(HOUR - 30_000);
    clock.advance(30_000);
    await orders.refresh();
    expect(state.isStopped).toBe(true);
    clock.advance(HOUR - 30_000);
    await orders.refresh();
    expect(state.isStopped).toBe(true);
    clock.advance(30_000);
    await orders.refresh();
    expect(state.isStopped).toBe(false);
  });

  it("that stood at the start is not told to everybody again, and one that ended is told no more", async () => {
    const { orders, state, miner } = startEdge();
    state.ordered = { bars: [], notices: [notice()] };
    await orders.refresh();
    const client = await miner();
    await orders.refresh();
    await client.fence();
    expect(client.lines).toEqual([]);

    state.ordered = { bars: [], notices: [] };
    await orders.refresh();
    expect(orders.words()).toEqual([]);
  });
});

describe("maintenance at the mining switch", () => {
  it("outlives every job that begins meanwhile", () => {
    const clock = manualClock();
    const said: boolean[] = [];
    const mining = new MiningSwitch({ calmMs: 500 }, { clock }, (isOn) => said.push(isOn));
    mining.set("maintenance", true);
    mining.jobIs();
    expect(mining.isOn).toBe(false);

    mining.set("maintenance", false);
    clock.advance(500);

    expect(mining.isOn).toBe(true);
    expect(said).toEqual([false, true]);
  });
});

describe("reading them", () => {
  it("happens every few seconds until the edge stops", async () => {
    const clock = manualClock();
    let reads = 0;
    const orders = new Orders({
      ...{
        clock,
        logger: SILENT,
        onBars: () => undefined,
        onWords: () => undefined,
        onMaintenance: () => undefined,
      },
      read: async () => {
        reads += 1;
        return { bars: [], notices: [] };
      },
    });
    const stop = new AbortController();
    const running = orders.run(stop.signal);
    for (let second = 0; second < 11; second++) {
      await settled();
      clock.advance(1_000);
    }
    await settled();
    stop.abort();
    clock.advance(1_000);
    await running;

    expect(reads).toBe(3);
  });
});

/** Everything that waits for no timer has run. */
async function settled(): Promise<void> {
  await new Promise((done) => setImmediate(done));
}
