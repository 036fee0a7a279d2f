/** The devnet told to stall, to skip, to go back and to fail, under a clock that a test moves. */

import { describe, expect, it } from "vitest";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { OPR_CHAIN, TRANSACTION_CHAIN } from "../../../shared/factom/entry.ts";
import { BLOCK_MS, entriesAt, note, running, startClocked, submit } from "../../support/clocked-devnet.ts";

describe("controls", () => {
  it("stalls: the node answers, but its minute and height stand still until it is told to go on", async () => {
    const { devnet, factomd, pass } = await startClocked();
    await pass(3100);
    devnet.control({ stall: true });
    await pass(5 * BLOCK_MS);
    const stalled = await factomd.currentMinute();

    devnet.control({ stall: false });
    await pass(BLOCK_MS);

    expect(stalled).toMatchObject({ minute: 3, directoryBlockHeight: 1000 });
    expect(await factomd.currentMinute()).toMatchObject({ minute: 3, directoryBlockHeight: 1001 });
  });

  it("skips: a block without any OPR, whose entries come in the next, still named by the same winners", async () => {
    const { devnet, factomd, blocks, pass } = await startClocked();
    const winners = devnet.chain.winners;
    devnet.control({ skip: 1 });
    const opr = await submit(factomd, note("not even an OPR", OPR_CHAIN));
    const other = await submit(factomd, note("x"));
    await pass(2 * BLOCK_MS + 500);

    expect(blocks[1]).toMatchObject({ height: 1001, oprEntries: 0, isGraded: false, transactions: 1 });
    expect(blocks[2]).toMatchObject({ height: 1002, isGraded: true });
    expect(devnet.chain.block(1001)?.winners).toEqual(winners);
    expect(await entriesAt(factomd, 1001)).toEqual([]);
    expect((await entriesAt(factomd, 1001, TRANSACTION_CHAIN)).map((one) => one.hash)).toEqual([other]);
    expect((await entriesAt(factomd, 1002)).map((one) => one.hash)).toContain(opr);
  });

  it("goes back: the last blocks are unknown, then come again one a minute, the same", async () => {
    const { devnet, factomd, pass } = await startClocked();
    await pass(3 * BLOCK_MS + 500);
    const keyMrs = await Promise.all(
      [1001, 1002, 1003].map(async (height) => (await factomd.dblockByHeight(height))?.keyMr),
    );
    const head = await factomd.chainHead(OPR_CHAIN);

    devnet.control({ goBack: 2 });
    const gone = [await factomd.dblockByHeight(1002), await factomd.rawData(keyMrs[2] ?? "")];
    const lagging = await factomd.currentMinute();
    const laggingHead = await factomd.chainHead(OPR_CHAIN);
    await pass(1000);
    const oneMinuteLater = await factomd.heights();
    await pass(1000);

    expect(gone).toEqual([undefined, undefined]);
    expect(lagging).toMatchObject({ minute: 0, directoryBlockHeight: 1001, leaderHeight: 1004 });
    expect(laggingHead).toBe(devnet.chain.block(1001)?.chains[0]?.keyMr);
    expect(oneMinuteLater.directoryBlock).toBe(1002);
    expect((await factomd.heights()).directoryBlock).toBe(1003);
    expect(
      await Promise.all(
        [1001, 1002, 1003].map(async (height) => (await factomd.dblockByHeight(height))?.keyMr),
      ),
    ).toEqual(keyMrs);
    expect(await factomd.chainHead(OPR_CHAIN)).toBe(head);
  });

  it("fails calls by JSON-RPC error and HTTP 500 or not at all, and takes its orders over HTTP", async () => {
    const { devnet } = await startClocked();
    const impatient = createFactomd(
      { url: devnet.factomdUrl, timeoutMs: 50 },
      { fetch, clock: systemClock, random: systemRandom },
    );
    const post = (body: string) => fetch(devnet.controlUrl, { method: "POST", body });

    const set = await post('{"errors":1}');
    const codes = new Set<string>();
    for (let i = 0; codes.size < 3 && i < 200; i++)
      codes.add(
        await impatient.heights().then(
          () => "answered",
          (thrown) => thrown.code,
        ),
      );
    const unset = await post('{"errors":0}');
    const wrong = await post('{"erors":0}');

    expect(await set.json()).toMatchObject({ errors: 1, savedHeight: 1000 });
    expect(codes).toEqual(new Set(["factomd-http", "factomd-refused", "factomd-timeout"]));
    expect(unset.status).toBe(200);
    await expect(impatient.heights()).resolves.toMatchObject({ directoryBlock: 1000 });
    expect([wrong.status, await wrong.json()]).toEqual([400, { error: expect.stringContaining("erors") }]);
  });

  it("takes longer for each call, all at the same time, when told to", async () => {
    const { devnet, factomd, clock } = await startClocked();
    const post = (body: string) => fetch(devnet.controlUrl, { method: "POST", body });
    const set = await post('{"delayMs":500}');
    const others = clock.pending();
    let answered = 0;
    const calls = Array.from({ length: 20 }, () => factomd.heights().then(() => (answered += 1)));
    /** Half a call's way at a time: the server waits for the clock. */
    const travelled = async (ms: number) => {
      await expect.poll(() => clock.pending()).toBe(others + 20);
      clock.advance(ms);
    };

    await travelled(250);
    expect(answered).toBe(0);
    await travelled(250);
    await Promise.all(calls);

    expect(await set.json()).toMatchObject({ delayMs: 500 });
    const direct = await post('{"delayMs":0}');
    expect(await direct.json()).toMatchObject({ delayMs: 0 });
    await expect(factomd.heights()).resolves.toMatchObject({ directoryBlock: 1000 });
    expect((await post('{"delayMs":-1}')).status).toBe(400);
  });

  it("ends with calls under way", async () => {
    const { devnet, factomd } = await startClocked({ delayMs: 1_000 });
    const call = factomd.heights();
    const failed = expect(call).rejects.toMatchObject({ code: "factomd-unreachable" });
    await new Promise((resolve) => setTimeout(resolve, 50));

    await devnet.stop();

    await failed;
    running.splice(running.indexOf(devnet), 1);
  });

  it("ends a block when told to", async () => {
    const { devnet, factomd, pass } = await startClocked();

    devnet.control({ closeBlock: true });
    await pass(400);

    expect((await factomd.heights()).directoryBlock).toBe(1001);
  });
});
