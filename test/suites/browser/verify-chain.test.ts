/** The page and the saved file ask a Factom node of anybody's what the pool wrote to its chain, by the code of `prosper verify --factomd`. */

import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build, stop } from "esbuild";
import { afterAll, expect, it } from "vitest";
import { buildOffline } from "../../../infra/dashboard/offline.ts";
import { portable } from "../../../infra/dashboard/portable.ts";
import { chainRootOf } from "../../../shared/audit/block-books.ts";
import { toHex } from "../../../shared/bytes.ts";
import { WorkTree } from "../../../shared/proofs/merkle-proof.ts";
import type { ReceiptFile } from "../../../shared/proofs/proof-file.ts";
import { RootFinder } from "../../../shared/proofs/root-chain.ts";
import { type ChainRoot, rootChainOf, signRootEntry } from "../../../shared/proofs/root-entry.ts";
import { checkOnChain } from "../../../shared/proofs/verify-chain.ts";
import { type ChainNode, startChainNode } from "../../support/chain-node.ts";
import { poolKeys } from "../../support/payout/payout-steps.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { blockOf, diceOf, fileOf, OTHER_KEYS } from "../../support/proofs.ts";
import { describeInBrowser, itInBrowser, setScene } from "./scene.ts";
import type { Look } from "./visitor.ts";
import { BLOCKS, FIRST_HEIGHT, startPages } from "./web.ts";

const DESKTOP: Look = { width: 1280, height: 900, colorScheme: "light" };
const PHONE: Look = { width: 390, height: 844, colorScheme: "dark", scale: 3 };
const OTHERWISE = FIRST_HEIGHT + 3;
const TWICE = FIRST_HEIGHT + 7;
/** Without a root on the chain: the newest. */
const UNWRITTEN = 2;
const LIE = "ab".repeat(32);

let node: ChainNode;
let closed: Server;
const scene = setScene(async () => {
  const pool = await startPages({ signs: true });
  node = await startChainNode(FIRST_HEIGHT);
  for (let i = 0; i < BLOCKS; i++) await node.passBlock();
  const written: ChainRoot[] = [];
  for (let i = 0; i < BLOCKS - UNWRITTEN; i++) {
    const root = await chainRootOf(pool.db, FIRST_HEIGHT + i);
    if (root !== undefined) written.push(root.height === OTHERWISE ? { ...root, root: LIE } : root);
  }
  const { chainId, first } = rootChainOf(poolKeys.publicKey);
  const lies = written.map((root) => ({ ...root, root: "cd".repeat(32) }));
  await node.put(first, true);
  // Of a stranger: it comes first, and does not count.
  await node.put({ ...signRootEntry(lies, OTHER_KEYS), chainId });
  await node.put(signRootEntry(written, poolKeys));
  await node.put(
    signRootEntry(
      lies.filter(({ height }) => height === TWICE),
      poolKeys,
    ),
  );
  // Answers like a factomd whose operator lets no page of others read it.
  closed = createServer((_request, response) => response.end("{}")).listen(0, "127.0.0.1");
  return pool;
});
afterAll(async () => {
  closed?.close();
  await node?.devnet.stop();
});

const nodeField = "Address of a Factom node";

describeInBrowser.each([
  ["a desktop", DESKTOP],
  ["a phone in the dark", PHONE],
])("on %s", (_name, look) => {
  it("a node shows where the pool says something else than it wrote, and what it did not write", async () => {
    const ann = await scene.openAs("ann", look);
    await ann.visit("/me/verify");
    const { page } = ann;
    const tile = (name: string) => page.locator(".tile", { hasText: name }).locator("dd").first();
    const check = async (address: string): Promise<void> => {
      await page.getByLabel(nodeField).fill(address);
      await page.getByRole("button", { name: "Check all my blocks" }).click();
    };
    await check(node.devnet.factomdUrl);
    await page.getByText("done; each as on the chain").waitFor();
    expect(
      await Promise.all(
        ["Right", "Wrong", "Not on the chain", "Not asked for"].map((name) => tile(name).textContent()),
      ),
    ).toEqual([String(BLOCKS - UNWRITTEN - 2), "2", String(UNWRITTEN), "0"]);
    const row = (height: number) => page.getByRole("row").filter({ hasText: height.toLocaleString("en-US") });
    await row(OTHERWISE).getByText(`the chain has another root, ${LIE}`).waitFor();
    await row(OTHERWISE).getByText(`and has written ${LIE} to the chain`).waitFor();
    await row(TWICE).getByText("the pool has contradicted itself on the chain").waitFor();
    await row(FIRST_HEIGHT + BLOCKS - 1)
      .getByText("the pool's chain has no root of block")
      .waitFor();
    await ann.photograph(`verify-chain-${look.width}-${look.colorScheme}`);
    expect(await ann.violations()).toEqual([]);
    expect(await ann.overflow()).toBeLessThanOrEqual(0);
    expect(ann.complaints).toEqual([]);

    const { port } = closed.address() as AddressInfo;
    const refusing = `http://127.0.0.1:${port}/v2`;
    await check(refusing);
    const notice = page.getByRole("alert");
    await notice.getByText(`Your browser got no answer from ${refusing}`).waitFor();
    expect(await notice.locator("code").textContent()).toBe(
      `npx prosper verify FILE --pool ${scene.pool.url} --factomd ${refusing}`,
    );
    await ann.photograph(`verify-refused-${look.width}-${look.colorScheme}`);
    expect(await ann.violations()).toEqual([]);
    expect(await ann.overflow()).toBeLessThanOrEqual(0);
    await check("ftp://node");
    await notice.getByText("A node's address is like http://localhost:8088/v2").waitFor();
    await check("");
    await page.getByText("done", { exact: true }).waitFor();
    expect(await tile("Right").textContent()).toBe(String(BLOCKS));
    await ann.close();
  });
});

itInBrowser("the saved file asks a node too, and says when it may not", async () => {
  const tree = new WorkTree(FIRST_HEIGHT, blockOf(5, diceOf("saved")));
  const honest = fileOf(tree, "user00000");
  const { books } = honest;
  const money = {
    ...{ reward: BigInt(books.reward), carriedIn: BigInt(books.carriedIn), fee: BigInt(books.fee) },
    ...{ paid: BigInt(books.paid), carried: BigInt(books.carried) },
  };
  const key = OTHER_KEYS.publicKey;
  await node.put(rootChainOf(key).first, true);
  await node.put(
    signRootEntry([{ height: FIRST_HEIGHT, root: tree.root, books: LIE, ...money }], OTHER_KEYS),
  );
  const folder = temporaryFolder();
  const page = join(folder, "page.html");
  writeFileSync(page, (await buildOffline()).html);
  await stop();
  const proof = join(folder, "proof.json");
  writeFileSync(proof, JSON.stringify({ ...honest, receipts: [] }));

  const visitor = await scene.open(PHONE);
  await visitor.page.goto(`file://${page}`);
  const ask = async (address: string): Promise<void> => {
    await visitor.page.getByLabel("Address of a Factom node").fill(address);
    await visitor.page.getByRole("button", { name: "Ask this node" }).click();
  };
  await visitor.page.getByLabel("Proof files").setInputFiles([proof]);
  await ask(node.devnet.factomdUrl);
  await visitor.page.getByText("fill in the key as you noted it down").waitFor();
  await visitor.page.getByLabel("receipt key").fill(toHex(key));
  await ask(node.devnet.factomdUrl);
  await visitor.page.getByText("the chain has the same root: entry ").waitFor();
  await visitor.page.getByText("Right.").waitFor();
  await visitor.photograph("verify-saved-node");
  expect(await visitor.violations()).toEqual([]);
  expect(visitor.complaints).toEqual([]);
  await ask(`http://127.0.0.1:${(closed.address() as AddressInfo).port}`);
  await visitor.page.getByText("your browser got no answer from").waitFor();
  await visitor.close();
});

itInBrowser("the browser reads from the chain what Node reads", async () => {
  const [receipt] = fileOf(new WorkTree(FIRST_HEIGHT, blockOf(1, diceOf("any"))), "user00000").receipts;
  const files: ReceiptFile[] = [];
  for (let i = 0; i < BLOCKS; i++) {
    const root = await chainRootOf(scene.pool.db, FIRST_HEIGHT + i);
    if (receipt !== undefined && root !== undefined)
      files.push({ ...receipt, height: root.height, root: root.root });
  }
  const root = join(import.meta.dirname, "../../..");
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: {
      resolveDir: root,
      contents: `
        import { AskedNode } from "./functions/dashboard/assets/verify/ask-node.ts";
        globalThis.asked = (files, url, key) => {
          const node = new AskedNode(url, "http://localhost/");
          return Promise.all(files.map((file) => node.says(file, { keys: [key] })));
        };`,
    },
    ...{ bundle: true, format: "iife", plugins: [portable], write: false, logLevel: "silent" },
  });
  await stop();
  const page = await scene.browser.newPage();
  await page.evaluate(outputFiles.map(({ text }) => text).join(""));
  const { factomdUrl } = node.devnet;
  const key = toHex(poolKeys.publicKey);
  const said = await page.evaluate<{ checks: unknown[]; absent: string }[]>(
    `asked(${JSON.stringify(files)}, ${JSON.stringify(factomdUrl)}, ${JSON.stringify(key)})`,
  );
  await page.close();

  const finder = new RootFinder({ keys: [poolKeys.publicKey], most: 1_000 }, node.factomd);
  expect(files).toHaveLength(BLOCKS);
  for (const [i, file] of files.entries()) {
    const checks = checkOnChain(file, await finder.find(file.height));
    const { absent, checks: made } = said[i] ?? { absent: "", checks: [] };
    expect(absent === "" ? made : [{ ok: false, text: absent }]).toEqual(checks);
  }
});
