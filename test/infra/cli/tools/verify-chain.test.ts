/** `prosper verify --factomd`: what a pool wrote to its chain decides, whatever it publishes now. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type VerifyOptions, verifyCommand } from "../../../../infra/cli/tools/verify.ts";
import { toHex } from "../../../../shared/bytes.ts";
import { systemClock, systemRandom } from "../../../../shared/clock.ts";
import { WorkTree } from "../../../../shared/proofs/merkle-proof.ts";
import type { ProofFile } from "../../../../shared/proofs/proof-file.ts";
import { type ChainRoot, rootChainOf, signRootEntry } from "../../../../shared/proofs/root-entry.ts";
import { type ChainNode, startChainNode } from "../../../support/chain-node.ts";
import { blockOf, diceOf, fileOf, OTHER_KEYS, POOL_KEYS } from "../../../support/proofs.ts";

const KEY = toHex(POOL_KEYS.publicKey);
const HEIGHT = 1_000;
const tree = new WorkTree(HEIGHT, blockOf(13, diceOf("chain")));
const honest = fileOf(tree, "user00001");
const rootOf = ({ height, root, books }: ProofFile): ChainRoot => ({
  ...{ height, root, books: "ab".repeat(32) },
  ...{ reward: BigInt(books.reward), carriedIn: BigInt(books.carriedIn), fee: BigInt(books.fee) },
  ...{ paid: BigInt(books.paid), carried: BigInt(books.carried) },
});

let node: ChainNode;
let dir: string;
let out: string[];
beforeAll(async () => {
  node = await startChainNode(HEIGHT);
  dir = mkdtempSync(join(tmpdir(), "prosper-verify-chain-"));
});
afterAll(async () => {
  await node.devnet.stop();
  rmSync(dir, { recursive: true });
});

function verify(file: unknown, options: Omit<VerifyOptions, "file"> = { key: KEY }): Promise<number> {
  const path = join(dir, "proof.json");
  writeFileSync(path, JSON.stringify(file));
  out = [];
  const print = (line: string): void => void out.push(line);
  const modules = { clock: systemClock, random: systemRandom, fetch, print, warn: print };
  return verifyCommand({ file: path, factomd: node.devnet.factomdUrl, ...options }, modules);
}

it("tells a block that is not on the chain, that was forged, or that the pool has told twice", async () => {
  expect(await verify(honest)).toBe(1);
  expect(out.join()).toContain("the pool's chain has no root of block 1000");

  // Foreign lies come first, and do not count.
  const { chainId, first } = rootChainOf(POOL_KEYS.publicKey);
  const lie = { ...rootOf(honest), root: "00".repeat(32) };
  await node.put(first, true);
  await node.put({ ...signRootEntry([lie], OTHER_KEYS), chainId });
  await node.put(signRootEntry([rootOf(honest)], POOL_KEYS));
  expect(await verify(honest)).toBe(0);
  expect(out.join("\n")).toContain("ok     the chain has the same root: entry ");
  expect(out.join("\n")).toContain("ok     the chain has the same books");
  expect(out.at(-1)).toBe("Verified.");
  expect(await verify(honest.receipts[0])).toBe(0);

  const other = fileOf(new WorkTree(HEIGHT, blockOf(13, diceOf("another block"))), "user00001");
  expect(await verify(other)).toBe(1);
  expect(out.join("\n")).toContain(`WRONG  the chain has another root, ${tree.root}`);
  const cheaper = { ...honest, books: { ...honest.books, fee: "400000000", paid: "9600000000" } };
  expect(await verify(cheaper)).toBe(1);
  expect(out.join("\n")).toContain("WRONG  fee: the file says 400000000, the chain 500000000");

  await node.put(signRootEntry([lie], POOL_KEYS));
  expect(await verify(honest)).toBe(1);
  expect(out.join("\n")).toContain("WRONG  the pool has contradicted itself on the chain");
  expect(out.join("\n")).toContain("ok     the chain has the same root");
});

it("shows a pool that publishes another root than it has written", async () => {
  const block = { root: "00".repeat(32), shares: honest.shares, ...honest.books };
  const answer = JSON.stringify({ block, receiptKey: KEY, formerReceiptKeys: [] });
  const server = createServer((_request, response) => response.end(answer));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    expect(await verify(honest, { pool: `http://127.0.0.1:${port}` })).toBe(1);
  } finally {
    server.close();
  }
  expect(out.join("\n")).toContain(
    `WRONG  the pool publishes root ${block.root}, and has written ${tree.root} to the chain`,
  );
});

it("needs a key that is not the file's own, and an address", async () => {
  await expect(verify(honest, {})).rejects.toThrow("needs the pool's receipt key");
  await expect(verify(honest, { key: KEY, factomd: "ftp://x" })).rejects.toThrow("--factomd: expected http");
  await expect(verify(honest, { key: KEY, factomd: "http://127.0.0.1:1" })).rejects.toThrow("no connection");
});
