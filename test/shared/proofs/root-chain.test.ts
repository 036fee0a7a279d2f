/** Looking up the roots of many blocks. What counts on a chain, and what does not: test/infra/cli/tools/verify-chain.test.ts. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { RootFinder } from "../../../shared/proofs/root-chain.ts";
import { type ChainRoot, rootChainOf, signRootEntry } from "../../../shared/proofs/root-entry.ts";
import { type ChainNode, startChainNode } from "../../support/chain-node.ts";
import { POOL_KEYS } from "../../support/proofs.ts";

const FIRST = 1_000;
const keys = [POOL_KEYS.publicKey];
const rootOf = (height: number): ChainRoot => ({
  ...{ height, root: height.toString(16).padStart(64, "0"), books: "ab".repeat(32) },
  ...{ reward: 5n, carriedIn: 0n, fee: 1n, paid: 4n, carried: 0n },
});

let node: ChainNode;
beforeAll(async () => {
  node = await startChainNode(FIRST);
  await node.put(rootChainOf(POOL_KEYS.publicKey).first, true);
  for (let i = 0; i < 24; i++) await node.put(signRootEntry([rootOf(FIRST + i)], POOL_KEYS));
});
afterAll(() => node.devnet.stop());

it("finds for many blocks what it finds for each alone, and reads each directory block once", async () => {
  const asked: number[] = [];
  const counting: typeof fetch = (url, init) => {
    const { method, params } = JSON.parse(String(init?.body));
    if (method === "dblock-by-height") asked.push(params.height);
    return fetch(url, init);
  };
  const factomd = createFactomd(
    { url: node.devnet.factomdUrl, timeoutMs: 2_000 },
    { fetch: counting, clock: systemClock, random: systemRandom },
  );
  const { directoryBlock } = await node.factomd.heights();
  for (const most of [5, 1_000]) {
    asked.length = 0;
    const finder = new RootFinder({ keys, most }, factomd);
    // Asked at once, the newest first, as the page does; the newest one has no root yet. The node has nothing below the first.
    const heights = Array.from({ length: 25 }, (_, i) => FIRST + 24 - i);
    const found = await Promise.all(heights.map((height) => finder.find(height)));

    expect(found.map(({ first }) => first?.root)).toEqual([
      undefined,
      ...heights.slice(1).map((height) => rootOf(height).root),
    ]);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked.length).toBeLessThanOrEqual(directoryBlock - FIRST);
    for (const [i, height] of heights.entries())
      expect(await new RootFinder({ keys, most }, node.factomd).find(height)).toEqual(found[i]);
  }
});

it("goes on after a call that failed", async () => {
  let fails = true;
  const flaky: typeof fetch = (url, init) => (fails ? Promise.reject(new TypeError("no")) : fetch(url, init));
  const factomd = createFactomd(
    { url: node.devnet.factomdUrl, timeoutMs: 2_000 },
    { fetch: flaky, clock: systemClock, random: systemRandom },
  );
  const finder = new RootFinder({ keys, most: 10 }, factomd);
  await expect(finder.find(FIRST)).rejects.toMatchObject({ code: "factomd-unreachable" });
  fails = false;
  expect((await finder.find(FIRST)).first?.root).toBe(rootOf(FIRST).root);
});
