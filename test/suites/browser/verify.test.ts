/** "Check all my blocks" and the offline page: the code of `prosper verify` in a browser, over an honest pool and over one that lies. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, stop } from "esbuild";
import { expect, it } from "vitest";
import { portable } from "../../../infra/dashboard/portable.ts";
import { sql } from "../../../shared/db/port.ts";
import { WorkTree } from "../../../shared/proofs/merkle-proof.ts";
import { verifyProof } from "../../../shared/proofs/verify.ts";
import { blockOf, diceOf, fileOf } from "../../support/proofs.ts";
import { hashVectors, signatureVectors } from "../../support/verify-vectors.ts";
import { describeInBrowser, itInBrowser, setScene } from "./scene.ts";
import type { Look } from "./visitor.ts";
import { BLOCKS, FIRST_HEIGHT, startPages } from "./web.ts";

const LOOKS: Readonly<Record<string, Look>> = {
  "a desktop": { width: 1280, height: 900, colorScheme: "light" },
  "a phone in the dark": { width: 390, height: 844, colorScheme: "dark", scale: 3 },
};
const scene = setScene(() => startPages({ signs: true }));

describeInBrowser.each(Object.entries(LOOKS))("on %s", (_name, look) => {
  it("all blocks of an honest pool are right; a changed byte, root or row is red, at the next visit too", async () => {
    const ann = await scene.openAs("ann", look);
    const { page } = ann;
    await page.getByRole("link", { name: "check my blocks" }).click();
    await ann.drawn();
    const tile = (name: string) => page.locator(".tile", { hasText: name }).locator("dd").first();
    const check = async (): Promise<[string, string]> => {
      await page.getByRole("button", { name: "Check all my blocks" }).click();
      await page.getByText("done", { exact: true }).waitFor();
      return [(await tile("Right").textContent()) ?? "", (await tile("Wrong").textContent()) ?? ""];
    };
    expect(await check()).toEqual([String(BLOCKS), "0"]);
    expect(await page.locator("main .bad").count()).toBe(0);
    await ann.photograph(`verify-right-${look.width}-${look.colorScheme}`);

    // The pool's own answers, with a byte changed on the way.
    const flipped = FIRST_HEIGHT + 3;
    await page.route(`**/api/me/blocks/${flipped}/proof`, async (route) => {
      const response = await route.fetch();
      const text = (await response.text()).replace(
        /"hash":"(.)/,
        (_, digit) => `"hash":"${digit === "0" ? "1" : "0"}`,
      );
      await route.fulfill({ response, body: text });
    });
    const rewritten = FIRST_HEIGHT + 5;
    const otherRoot = "ab".repeat(32);
    await page.route(`**/api/blocks/${rewritten}`, async (route) => {
      const response = await route.fetch();
      const answer = await response.json();
      await route.fulfill({ response, json: { ...answer, block: { ...answer.block, root: otherRoot } } });
    });
    await page.reload();
    await ann.drawn();
    expect(await check()).toEqual([String(BLOCKS - 2), "2"]);
    const rows = page.getByRole("row");
    const first = rows.filter({ hasText: "1,003" });
    await first.getByText("do not lead to the published root").waitFor();
    const second = rows.filter({ hasText: "1,005" });
    await second.getByText("at an earlier visit the root was").waitFor();
    await page.getByText("2 of your blocks are wrong").waitFor();
    await ann.photograph(`verify-wrong-${look.width}-${look.colorScheme}`);
    expect(await ann.violations()).toEqual([]);
    expect(await ann.overflow()).toBeLessThanOrEqual(0);
    expect(await page.locator("h1").count()).toBe(1);

    // What the chain says against what is sealed.
    await page.unrouteAll();
    await scene.pool.db.execute(sql`INSERT INTO chain_roots (height, entry_hash, placed_in, place, root, reward, carried_in, fee, paid, carried, books)
      SELECT height, ${"cd".repeat(32)}, height + 2, 0, ${otherRoot}, reward, carried_in, fee, paid, carried, '' FROM jobs WHERE height = ${FIRST_HEIGHT + 7}
      ON CONFLICT DO NOTHING`);
    // A block's public answer may be some seconds old.
    await expect.poll(check, { timeout: 30_000 }).toEqual([String(BLOCKS - 1), "1"]);
    await rows.filter({ hasText: "1,007" }).getByText("the Factom chain has another root").waitFor();
    await ann.visit(`/pool/blocks/${FIRST_HEIGHT + 7}`);
    await page.getByText("The Factom chain says something else than this page").waitFor();
    expect(await ann.violations()).toEqual([]);
    expect(ann.complaints).toEqual([]);
    await ann.close();
    await scene.pool.db.transaction(async (tx) => {
      await tx.execute(sql`SET LOCAL session_replication_role = replica`);
      await tx.execute(sql`DELETE FROM chain_roots`);
    });
  });

  it("the page as a file checks proofs without a network", async () => {
    const folder = mkdtempSync(join(tmpdir(), "prosper-offline-"));
    try {
      const ann = await scene.openAs("ann", look);
      await ann.visit("/me/verify");
      const saved = ann.page.waitForEvent("download");
      await ann.page.getByRole("link", { name: "this page as a file" }).click();
      const file = join(folder, "prosper-verify.html");
      await (await saved).saveAs(file);
      const tree = new WorkTree(1000, blockOf(5, diceOf("offline")));
      const proof = fileOf(tree, "user00000");
      const texts = { good: proof, lie: { ...proof, shares: "1" } };
      const paths = Object.entries(texts).map(([name, one]) => {
        const path = join(folder, `${name}.json`);
        writeFileSync(path, JSON.stringify(one));
        return path;
      });
      await ann.page.context().setOffline(true);
      await ann.page.goto(`file://${file}`);
      await ann.page.getByLabel("The block's root").fill(tree.root);
      await ann.page.getByLabel("Proof files").setInputFiles(paths);

      const said = ann.page.locator("section > p");
      await said.nth(1).waitFor();
      expect(await said.allTextContents()).toEqual(["Right.", expect.stringContaining("WRONG: 1 of ")]);
      await ann.page.getByLabel("receipt key").fill("00".repeat(32));
      await ann.page.getByText("the pool's key is 0000").first().waitFor();
      await ann.photograph(`verify-offline-${look.width}-${look.colorScheme}`);
      expect(await ann.violations()).toEqual([]);
      expect(ann.complaints).toEqual([]);
      await ann.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

itInBrowser("the browser takes and refuses what Node takes and refuses", async () => {
  const root = join(import.meta.dirname, "../../..");
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: {
      resolveDir: root,
      contents: `
        import { verifySignature } from "./shared/factom/ed25519.ts";
        import { fromHex } from "./shared/bytes.ts";
        import { sha256Hex } from "./shared/sha256.ts";
        import { verifyProof } from "./shared/proofs/verify.ts";
        globalThis.judged = {
          signature: ({ key, message, signature }) => verifySignature(fromHex(key), fromHex(message), fromHex(signature)),
          hash: (message) => sha256Hex(fromHex(message)),
          proof: (file, root) => verifyProof(file, { root }),
        };`,
    },
    ...{ bundle: true, format: "iife", plugins: [portable], write: false, logLevel: "silent" },
  });
  await stop();
  const page = await scene.browser.newPage();
  await page.evaluate(outputFiles.map(({ text }) => text).join(""));
  const ask = <T>(expression: string): Promise<T> => page.evaluate<T>(expression);

  const signatures = signatureVectors();
  expect(await ask(`${JSON.stringify(signatures)}.map(judged.signature)`)).toEqual(
    signatures.map(({ verdict }) => verdict),
  );
  const hashes = hashVectors();
  expect(await ask(`${JSON.stringify(hashes)}.map(({ message }) => judged.hash(message))`)).toEqual(
    hashes.map(({ sha256 }) => sha256),
  );
  const tree = new WorkTree(1000, blockOf(13, diceOf("vectors")));
  const honest = fileOf(tree, "user00001");
  const files = [honest, { ...honest, first: honest.first + 1 }, { ...honest, path: honest.path.slice(1) }];
  for (const file of files)
    expect(await ask(`judged.proof(${JSON.stringify(file)}, ${JSON.stringify(tree.root)})`)).toEqual(
      verifyProof(file, { root: tree.root }),
    );
  await page.close();
});
