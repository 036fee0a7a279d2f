/** Roots of sealed blocks on the chain of a devnet's node: written once whatever dies in between, and read back. */

import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RESERVED_CREDITS, RootWriter, type RootWriterOptions } from "../../../edge/chain/root-writer.ts";
import { createNamedLease } from "../../../edge/lease/named.ts";
import { createRootSigner } from "../../../functions/janitor/root-signer.ts";
import { chainRootOf } from "../../../shared/audit/block-books.ts";
import { composeRootEntries } from "../../../shared/audit/root-composer.ts";
import { toHex } from "../../../shared/bytes.ts";
import { systemClock } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { type RootStand, rootStand, saidRoots } from "../../../shared/db/root-entries.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { encodeEntry, entryHash } from "../../../shared/factom/entry.ts";
import { SILENT } from "../../../shared/logger.ts";
import { RootFinder } from "../../../shared/proofs/root-chain.ts";
import { rootChainOf, signRootEntry } from "../../../shared/proofs/root-entry.ts";
import { type ChainNode, NODE_BLOCK_MS, PAYER, startChainNode } from "../../support/chain-node.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { OTHER_KEYS, POOL_KEYS } from "../../support/proofs.ts";
import { insertSealedBlocks } from "../../support/sealed-blocks.ts";

const FIRST = 1_000;
const key = POOL_KEYS.publicKey;

describe("roots on the chain", () => {
  let database: TestDatabase;
  let node: ChainNode;
  let factomd: Factomd;
  let warned: string[];
  let lease: ReturnType<typeof createNamedLease>;

  beforeEach(async () => {
    database = await createTestDatabase();
    warned = [];
    node = await startChainNode(FIRST);
    ({ factomd } = node);
    lease = createNamedLease(
      { name: "chain", holder: "here", leaseMs: 60_000 },
      { db: database.db, clock: systemClock },
    );
    await lease.hold();
  });
  afterEach(async () => {
    await node.devnet.stop();
    await database.drop();
  });

  const writer = (asked = factomd, change: Partial<RootWriterOptions> = {}): RootWriter =>
    new RootWriter(
      { signer: POOL_KEYS, payer: PAYER, batch: 1, blockMs: NODE_BLOCK_MS, ...change },
      {
        ...{ db: database.db, factomd: asked, lease, clock: node.clock },
        logger: { ...SILENT, warn: (message) => void warned.push(message) },
      },
    );
  /** Sealed blocks, with users who worked in them, once the node has saved the last. */
  const seal = async (from: number, blocks: number): Promise<void> => {
    await insertSealedBlocks(database.db, { from, blocks, users: 2 });
    while ((await factomd.heights()).directoryBlock < from + blocks - 1) await node.passBlock();
  };
  /** Rounds and blocks until nothing is left to write. */
  const settle = async (one: RootWriter): Promise<void> => {
    for (let i = 0; i < 4; i++) {
      await one.round();
      await node.passBlock();
    }
    await one.round();
  };
  const onChain = (height: number) => new RootFinder({ keys: [key], most: 1_000 }, factomd).find(height);
  const rows = (statement: ReturnType<typeof sql>) =>
    database.db.query(statement, v.record(v.string(), v.unknown()));
  const spent = (): Promise<number> => node.spent();

  it("are written for each sealed block, and say what the books say", async () => {
    await seal(FIRST, 3);
    const one = writer();
    await settle(one);

    for (const height of [FIRST, FIRST + 1, FIRST + 2]) {
      const { first, contradictions } = await onChain(height);
      expect(first).toMatchObject((await chainRootOf(database.db, height)) ?? {});
      expect(contradictions).toEqual([]);
    }
    // Eleven for the chain, one for the entry: what waited went together.
    expect(await spent()).toBe(12);
    await seal(FIRST + 3, 1);
    await settle(one);
    expect(await spent()).toBe(13);
    expect((await onChain(FIRST + 3)).first?.height).toBe(FIRST + 3);
    expect(await rows(sql`SELECT no, placed_in > 0 AS placed FROM root_entries ORDER BY no`)).toEqual([
      { no: 1, placed: true },
      { no: 2, placed: true },
    ]);
  });

  it("wait until a batch is full, and go by as many as fit where the pool was behind", async () => {
    await seal(FIRST, 3);
    const one = writer(factomd, { batch: 4 });
    await settle(one);
    expect(await rows(sql`SELECT no FROM root_entries`)).toEqual([]);
    // Nothing to write: no chain is made either.
    expect(await spent()).toBe(0);

    await insertSealedBlocks(database.db, { from: FIRST + 3, blocks: 97, users: 1 });
    await settle(one);
    expect(
      await rows(sql`SELECT first_height AS first, last_height AS last FROM root_entries ORDER BY no`),
    ).toEqual([
      { first: 1000, last: 1056 },
      { first: 1057, last: 1099 },
    ]);
    // 57 blocks are all that fit: ten credits, and eight.
    expect(await spent()).toBe(11 + 18);
  });

  it("are paid once, wherever the program dies on the way", async () => {
    await seal(FIRST, 1);
    const dead = new Error("the process ended here");
    const dies = async (change: Partial<Factomd>): Promise<void> => {
      await writer({ ...factomd, ...change })
        .round()
        .catch((error: unknown) => expect(error).toBe(dead));
    };
    // Composed and noted, not sent; then, each time by a new process, at each step of both entries.
    await dies({ ack: () => Promise.reject(dead) });
    const composed = await rows(sql`SELECT entry_hash AS hash, raw FROM root_entries`);
    expect(composed).toHaveLength(1);
    await dies({ commitChain: () => Promise.reject(dead) });
    await dies({ revealChain: () => Promise.reject(dead) });
    expect(await spent()).toBe(11);
    await dies({});
    // Sent, and the process knows nothing of it any more.
    await dies({});
    expect(await spent()).toBe(11);
    await node.passBlock();
    await dies({ commitEntry: () => Promise.reject(dead) });
    await dies({ revealEntry: () => Promise.reject(dead) });
    expect(await spent()).toBe(12);
    await dies({});
    await dies({});
    await node.passBlock();
    // In a block, and not noted: the chain is looked at before anything is written.
    await dies({});
    await dies({});

    expect(await spent()).toBe(12);
    expect(await rows(sql`SELECT entry_hash AS hash, raw FROM root_entries`)).toEqual(composed);
    const { first, contradictions } = await onChain(FIRST);
    expect([first?.entryHash, contradictions]).toEqual([composed[0]?.["hash"], []]);
  });

  it("are not written again by a database that has lost its notes", async () => {
    await seal(FIRST, 2);
    await settle(writer());
    const before = await spent();
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      for (const table of ["root_entries", "root_chains", "chain_roots"])
        await tx.execute({ text: `DELETE FROM ${table}`, values: [] });
    });
    await settle(writer());

    expect(await spent()).toBe(before);
    expect(await rows(sql`SELECT height FROM chain_roots ORDER BY height`)).toEqual([
      { height: FIRST },
      { height: FIRST + 1 },
    ]);
  });

  it("are told from what others write to the chain, and from what the pool says later", async () => {
    await seal(FIRST, 1);
    const one = writer();
    await one.round();
    await node.passBlock();
    const said = await chainRootOf(database.db, FIRST);
    if (said === undefined) throw new Error("not sealed");
    const lie = { ...said, root: "00".repeat(32) };
    const { chainId } = rootChainOf(key);
    // Before the pool's own.
    await node.put({ ...signRootEntry([lie], OTHER_KEYS), chainId });
    await node.put({ chainId, extIds: [], content: new TextEncoder().encode("1000 is mine\n") });
    await settle(one);
    await node.put(signRootEntry([lie], POOL_KEYS));
    await one.round();

    const { first, contradictions } = await onChain(FIRST);
    expect(first?.root).toBe(said.root);
    expect(contradictions.map(({ root }) => root)).toEqual([lie.root]);
    expect(await rows(sql`SELECT root FROM chain_roots ORDER BY placed_in, place`)).toEqual([
      { root: said.root },
      { root: lie.root },
    ]);
    expect(await saidRoots(database.db, FIRST)).toMatchObject([
      { isSame: true, isRepeated: true },
      { isSame: false, isRepeated: false },
    ]);
    expect(await rootStand(database.db)).toMatchObject({
      chainId,
      lastHeight: FIRST,
      waiting: 0,
      wrong: [FIRST],
    });
  });

  it("show books that were changed after they were sealed", async () => {
    await seal(FIRST, 2);
    await settle(writer());
    expect(await rootStand(database.db)).toMatchObject({ wrong: [], credits: 1 });
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`UPDATE jobs SET root = ${"00".repeat(32)} WHERE height = ${FIRST + 1}`);
    });

    expect(await rootStand(database.db)).toMatchObject({ wrong: [FIRST + 1] });
    expect(await saidRoots(database.db, FIRST + 1)).toMatchObject([{ isSame: false, isRepeated: true }]);
    expect(await saidRoots(database.db, FIRST)).toMatchObject([{ isSame: true, isRepeated: true }]);
  });

  it("go out under the key that composed them, and under a new one from then on", async () => {
    await seal(FIRST, 1);
    await writer({ ...factomd, ack: () => Promise.reject(new Error("away")) })
      .round()
      .catch(() => undefined);
    const later = writer(factomd, { signer: OTHER_KEYS });
    await settle(later);
    await seal(FIRST + 1, 1);
    await settle(later);

    const keys = [OTHER_KEYS.publicKey, key];
    const signers = async (height: number) =>
      (await new RootFinder({ keys, most: 1_000 }, factomd).find(height)).first;
    expect(await signers(FIRST)).toEqual((await onChain(FIRST)).first);
    expect(await signers(FIRST + 1)).toMatchObject({ height: FIRST + 1 });
    expect((await onChain(FIRST + 1)).first).toBeUndefined();
  });

  it("leave the last entry credits to the records, and go out when there are more", async () => {
    await seal(FIRST, 1);
    const poor = { ...factomd, entryCreditBalance: async () => RESERVED_CREDITS + 10 };
    const one = writer(poor);
    await settle(one);
    expect([await spent(), warned.length]).toEqual([0, 1]);
    await settle(writer());
    expect((await onChain(FIRST)).first?.height).toBe(FIRST);
  });

  it("are nobody's work without the chain lease", async () => {
    await seal(FIRST, 1);
    await lease.release();
    await settle(writer());
    expect([await spent(), await rows(sql`SELECT no FROM root_entries`)]).toEqual([0, []]);
  });

  it("are composed of what was read where the time is over", async () => {
    await seal(FIRST, 5);
    let asked = 0;
    const isLate = (): boolean => ++asked > 2;
    expect(await composeRootEntries(database.db, { signer: POOL_KEYS, batch: 1, isLate })).toBe(1);
    expect(await rows(sql`SELECT first_height AS first, last_height AS last FROM root_entries`)).toEqual([
      { first: FIRST, last: FIRST + 1 },
    ]);
  });

  describe("that a function signs for an edge without the key", () => {
    let errors: string[];
    let stands: RootStand[];
    let sign: (signing?: typeof POOL_KEYS) => Promise<number>;
    let edge: RootWriter;
    beforeEach(async () => {
      errors = [];
      stands = [];
      // With no more rights than they have on AWS.
      const db = await database.as("accounting");
      sign = (signing = POOL_KEYS) =>
        createRootSigner(
          { batch: 1, runMs: 60_000, compareMs: 3_600_000 },
          {
            ...{ db, clock: node.clock, keys: async () => ({ signing, former: [] }) },
            logger: { ...SILENT, error: (message) => void errors.push(message) },
            onStand: (stand) => void stands.push(stand),
          },
        )();
      edge = new RootWriter(
        { payer: PAYER, batch: 1, blockMs: NODE_BLOCK_MS },
        { db: await database.as("edge"), factomd, lease, clock: node.clock, logger: SILENT },
      );
    });

    it("are composed once the chain was read, and sent by the edge that holds the lease", async () => {
      await seal(FIRST, 2);
      await edge.round();
      expect([await sign(), await rows(sql`SELECT no FROM root_entries`)]).toEqual([0, []]);
      // The edge reads the chain that the function has named.
      await edge.round();
      expect([await sign(), await sign()]).toEqual([1, 0]);
      await settle(edge);

      expect(await spent()).toBe(12);
      for (const height of [FIRST, FIRST + 1])
        expect((await onChain(height)).first).toMatchObject((await chainRootOf(database.db, height)) ?? {});
      expect(await rootStand(database.db)).toMatchObject({ lastHeight: FIRST + 1, waiting: 0, wrong: [] });
      expect(errors).toEqual([]);
    });

    it("are composed once where two do it at a time, and not again where the notes are lost", async () => {
      await seal(FIRST, 3);
      await sign();
      await edge.round();
      await Promise.all([sign(), sign(), sign()]);
      expect(await rows(sql`SELECT first_height AS first, last_height AS last FROM root_entries`)).toEqual([
        { first: FIRST, last: FIRST + 2 },
      ]);
      await settle(edge);
      await database.db.transaction(async (tx) => {
        await tx.execute(sql`SET LOCAL session_replication_role = replica`);
        for (const table of ["root_entries", "root_chains", "chain_roots"])
          await tx.execute({ text: `DELETE FROM ${table}`, values: [] });
      });
      const before = await spent();
      for (let i = 0; i < 3; i++) {
        await sign();
        await settle(edge);
      }
      expect([await spent(), await rows(sql`SELECT no FROM root_entries`)]).toEqual([before, []]);
    });

    it("go to the chain of a new key, and are compared with what the pool says", async () => {
      await seal(FIRST, 1);
      await sign();
      await edge.round();
      await sign();
      await settle(edge);
      await seal(FIRST + 1, 1);
      await sign(OTHER_KEYS);
      await edge.round();
      await sign(OTHER_KEYS);
      await settle(edge);

      const { chainId } = rootChainOf(OTHER_KEYS.publicKey);
      expect(await rootStand(database.db)).toMatchObject({ chainId, lastHeight: FIRST + 1, wrong: [] });
      expect((await onChain(FIRST + 1)).first).toBeUndefined();
      await database.db.transaction(async (tx) => {
        await tx.execute(sql`SET LOCAL session_replication_role = replica`);
        await tx.execute(sql`UPDATE jobs SET root = ${"00".repeat(32)} WHERE height = ${FIRST}`);
      });
      expect(errors).toEqual([]);
      await sign(OTHER_KEYS);
      expect(errors).toEqual([expect.stringContaining("something else than the pool")]);
      // What the alarms on AWS are told: a block that waits, and one that is contradicted.
      expect(stands.some(({ waitingSeconds }) => (waitingSeconds ?? 0) > 0)).toBe(true);
      expect(stands.slice(-2).map(({ wrong }) => wrong)).toEqual([[], [FIRST]]);
    });

    it("are all that is paid for: an entry of any other form is not sent", async () => {
      await seal(FIRST, 1);
      const said = await chainRootOf(database.db, FIRST);
      if (said === undefined) throw new Error("not sealed");
      const entry = signRootEntry([said], POOL_KEYS);
      const raw = encodeEntry({ ...entry, content: new TextEncoder().encode("buy my coin\n") });
      await database.db.execute(sql`INSERT INTO root_entries (no, chain_id, first_height, last_height, entry_hash, raw)
        VALUES (1, ${entry.chainId}, ${FIRST}, ${FIRST}, ${entryHash(raw)}, ${toHex(raw)})`);
      await expect(edge.round()).rejects.toThrow("it is no entry of roots that its key has signed");
      expect(await spent()).toBe(0);
    });
  });

  it("wait for an earlier block that is not sealed yet", async () => {
    await seal(FIRST, 3);
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`UPDATE jobs SET state = 'closing' WHERE height = ${FIRST + 1}`);
    });
    await settle(writer());
    expect(await rows(sql`SELECT first_height AS first, last_height AS last FROM root_entries`)).toEqual([
      { first: FIRST, last: FIRST },
    ]);
  });
});
