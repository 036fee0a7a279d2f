import { afterEach, describe, expect, it } from "vitest";
import { createBlockReader } from "../../../edge/chain/reader.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { BLOCK_HEIGHT, type BlockNode, startBlockNode } from "../../helpers/block-node.ts";

const nodes: BlockNode[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
});

async function start(entries: number) {
  const node = await startBlockNode(entries);
  nodes.push(node);
  const factomd = createFactomd(
    { url: node.url, timeoutMs: 5_000 },
    { fetch, clock: systemClock, random: systemRandom },
  );
  const reader = createBlockReader({ factomd, clock: systemClock });
  /** The block, and how long it took. */
  const read = async () => {
    const atMs = systemClock.monotonicMs();
    const block = await reader.read(BLOCK_HEIGHT);
    return { hashes: block.entries.map((one) => one.entryHash), tookMs: systemClock.monotonicMs() - atMs };
  };
  return { node, reader, read };
}

describe("reading a block", () => {
  it("of 1,000 entries from a node that needs 50 ms a call is not the slow part, and reuses its sockets", async () => {
    const { node, read } = await start(1_000);
    node.delayMs = 50;

    const first = await read();

    expect(first.hashes).toEqual(node.hashes);
    // Eight at a time take at least 1,000 / 8 × 50 ms; a machine with nothing else to do needs 0.6 s (test/bench/read-block.ts).
    expect(first.tookMs).toBeLessThan(6_250);
    expect(node.most.calls).toBeGreaterThanOrEqual(32);
    expect(node.most.calls).toBeLessThanOrEqual(256);
    expect(node.most.sockets).toBeLessThan(500);
  });

  it("goes on from the last known entry where a reading failed", async () => {
    const { node, reader, read } = await start(200);
    // Its first answers come, then none.
    node.fails = (_, call) => call > 60;
    await expect(reader.read(BLOCK_HEIGHT)).rejects.toMatchObject({ code: "factomd-http" });
    const had = node.asked.slice(0, 60);
    node.asked.length = 0;
    node.fails = () => false;

    expect((await read()).hashes).toEqual(node.hashes);

    expect(node.asked.filter((hash) => had.includes(hash))).toEqual([]);
    expect(new Set(node.asked).size).toBe(node.asked.length);
    expect(node.asked).toHaveLength(140);
  });

  it("bears a fifth of the calls failing, within one reading", async () => {
    const { node, read } = await start(300);
    node.fails = (_, call) => call % 5 === 0;

    expect((await read()).hashes).toEqual(node.hashes);
  });

  it("soon leaves a node alone that refuses every call", async () => {
    const { node, reader } = await start(500);
    node.fails = () => true;

    await expect(reader.read(BLOCK_HEIGHT)).rejects.toMatchObject({ code: "factomd-http" });

    expect(node.asked.length).toBeLessThan(40);
  });

  it("asks no more of a node than it bears at a time", async () => {
    const { node, read } = await start(600);
    node.delayMs = 20;
    node.bears = 40;

    expect((await read()).hashes).toEqual(node.hashes);

    // Found out by going beyond it, step by step.
    expect(node.most.calls).toBeLessThan(100);
    expect(node.asked.length).toBeLessThan(900);
  });

  it("says which entry the node lacks, and reads only that one the next time", async () => {
    const { node, reader, read } = await start(100);
    const [lacking = ""] = node.hashes.slice(40, 41);
    node.lacks.add(lacking);
    await expect(reader.read(BLOCK_HEIGHT)).rejects.toMatchObject({
      code: "factomd-reply",
      message: expect.stringContaining(lacking),
    });
    node.asked.length = 0;
    node.lacks.clear();

    expect((await read()).hashes).toEqual(node.hashes);

    expect(node.asked).toEqual([lacking]);
  });

  it("does not ask for entries that this pool has sent", async () => {
    const { node, reader, read } = await start(20);
    for (const raw of node.raws.slice(5)) reader.know(raw);

    expect((await read()).hashes).toEqual(node.hashes);

    expect(new Set(node.asked)).toEqual(new Set(node.hashes.slice(0, 5)));
    expect(node.asked).toHaveLength(5);
  });

  it("ends at once when the edge stops", async () => {
    const { node, reader } = await start(1_000);
    node.delayMs = 50;
    const stop = new AbortController();
    const reading = reader.read(BLOCK_HEIGHT, stop.signal);
    await expect.poll(() => node.asked.length).toBeGreaterThan(20);

    stop.abort(new Error("stopped"));

    await expect(reading).rejects.toThrow("stopped");
    const asked = node.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(node.asked.length).toBeLessThanOrEqual(asked + 256);
    expect(node.asked.length).toBeLessThan(1_000);
  });
});
