import { afterEach, describe, expect, it } from "vitest";
import { createBlockReader } from "../../../edge/chain/reader.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { BLOCK_HEIGHT, type BlockNode, startBlockNode } from "../../support/block-node.ts";

const nodes: BlockNode[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
});

async function start(entries: number, timeoutMs = 5_000) {
  const node = await startBlockNode(entries);
  nodes.push(node);
  const factomd = createFactomd(
    { url: node.url, timeoutMs },
    { fetch, clock: systemClock, random: systemRandom },
  );
  const reader = createBlockReader({ factomd, clock: systemClock });
  /** The hashes of what was read. */
  const read = async () => (await reader.read(BLOCK_HEIGHT)).entries.map((one) => one.entryHash);
  return { node, reader, read };
}

describe("reading a block", () => {
  it("of 1,000 entries asks for many at a time, and reuses its sockets", async () => {
    const { node, read } = await start(1_000);
    node.delayMs = 50;

    expect(await read()).toEqual(node.hashes);

    // How long it takes, test/bench/read-block.ts measures: this machine may have other things to do.
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

    expect(await read()).toEqual(node.hashes);

    expect(node.asked.filter((hash) => had.includes(hash))).toEqual([]);
    expect(new Set(node.asked).size).toBe(140);
  });

  it("bears a fifth of the calls failing, within one reading", async () => {
    const { node, read } = await start(300);
    node.fails = (_, call) => call % 5 === 0;

    expect(await read()).toEqual(node.hashes);
  });

  it("is not held up by a call that gets no answer", async () => {
    // A deadline that this test cannot wait for.
    const { node, read } = await start(200, 600_000);
    node.hangs = (_, call) => call === 150;

    expect(await read()).toEqual(node.hashes);
  });

  it("soon leaves a node alone that refuses every call", async () => {
    const { node, reader } = await start(500);
    node.fails = () => true;

    await expect(reader.read(BLOCK_HEIGHT)).rejects.toMatchObject({ code: "factomd-http" });

    expect(node.asked.length).toBeLessThan(40);
  });

  it("does not give up where a node refuses what is too much at a time", async () => {
    const { node, read } = await start(600);
    node.delayMs = 20;
    node.bears = 12;

    expect(await read()).toEqual(node.hashes);
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

    expect(await read()).toEqual(node.hashes);

    expect(new Set(node.asked)).toEqual(new Set([lacking]));
  });

  it("does not ask for entries that this pool has sent", async () => {
    const { node, reader, read } = await start(20);
    for (const raw of node.raws.slice(5)) reader.know(raw);

    expect(await read()).toEqual(node.hashes);

    expect(new Set(node.asked)).toEqual(new Set(node.hashes.slice(0, 5)));
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
