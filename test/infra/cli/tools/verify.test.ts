import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type VerifyOptions, verifyCommand } from "../../../../infra/cli/tools/verify.ts";
import { startWeb, type Web } from "../../../../infra/pool/web.ts";
import { toHex } from "../../../../shared/bytes.ts";
import { systemClock, systemRandom } from "../../../../shared/clock.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { WorkTree } from "../../../../shared/proofs/merkle-proof.ts";
import { createTestApi, FIRST_HEIGHT, PASSWORD, type TestApi } from "../../../support/api.ts";
import { testClient } from "../../../support/http-client.ts";
import { blockOf, diceOf, fileOf, POOL_KEYS } from "../../../support/proofs.ts";

const KEY = toHex(POOL_KEYS.publicKey);
const tree = new WorkTree(1000, blockOf(13, diceOf("cli")));
const honest = fileOf(tree, "user00001");

let dir: string;
let out: string[];
let warnings: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "prosper-verify-"));
  out = [];
  warnings = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

function verify(content: unknown, options: Omit<VerifyOptions, "file"> = {}): Promise<number> {
  const file = join(dir, "proof.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return verifyCommand({ file, ...options }, modules());
}

const modules = () => ({
  clock: systemClock,
  random: systemRandom,
  fetch,
  print: (line: string) => out.push(line),
  warn: (line: string) => warnings.push(line),
});

describe("prosper verify", () => {
  it("says yes to an honest file under the published root and key, and tells what it has checked", async () => {
    expect(await verify(honest, { root: tree.root.toUpperCase(), key: KEY })).toBe(0);

    expect(out[0]).toBe(`ok     these 4 workers are in block 1000 under the published root ${tree.root}`);
    expect(out.join("\n")).toContain("the sums add up to the whole block's");
    expect(out.join("\n")).toContain(`user00001/rig3: the receipt is signed by key ${KEY}`);
    expect(out.at(-1)).toBe("Verified.");
    expect(warnings).toEqual([]);
  });

  it("without a root checks the file by itself, and says what that is worth", async () => {
    expect(await verify(honest)).toBe(0);

    expect(warnings.join()).toContain("Compare it with what the pool publishes");
    expect(out.at(-1)).toBe("The file agrees with itself.");
  });

  it("without a root says no to a program, which reads no warning", async () => {
    expect(await verify(honest, { json: true })).toBe(1);

    const told = JSON.parse(out[0] ?? "");
    expect(told.ok).toBe(false);
    expect(told.checks.filter((check: { ok: boolean }) => !check.ok)).toEqual([
      { ok: false, text: expect.stringContaining("Compare it with what the pool publishes") },
    ]);
  });

  it("checks a receipt by itself", async () => {
    const [receipt] = honest.receipts;

    expect(await verify(receipt, { root: tree.root, key: KEY })).toBe(0);
    expect(await verify({ ...receipt, amount: "99999999999" }, { root: tree.root, key: KEY })).toBe(1);
    expect(await verify(receipt, { root: "0".repeat(64) })).toBe(1);
    expect(await verify(receipt, { key: "0".repeat(64) })).toBe(1);
  });

  it.each<[string, unknown, Omit<VerifyOptions, "file">]>([
    [
      "more work",
      { ...honest, workers: honest.workers.map((one) => ({ ...one, work: `${one.work}0` })) },
      {},
    ],
    ["another published root", honest, { root: "ab".repeat(32) }],
    ["another key", honest, { key: "ab".repeat(32) }],
    ["no JSON", "{", {}],
    ["no proof", { hello: 1 }, {}],
    ["nothing", "null", {}],
    ["a later version", { ...honest, version: 2 }, {}],
    ["a field more", { ...honest, note: "trust me" }, {}],
    ["numbers instead of decimal strings", { ...honest, shares: Number(honest.shares) }, {}],
    ["a negative number", { ...honest, work: "-1" }, {}],
  ])("says no to %s, with a reason", async (_, content, options) => {
    expect(await verify(content, { root: tree.root, ...options })).toBe(1);

    expect(out.find((line) => line.startsWith("WRONG"))).toBeDefined();
    expect(out.at(-1)).toMatch(/^NOT VERIFIED: \d+ of \d+ checks failed\.$/);
  });

  it("prints one line of JSON for programs", async () => {
    expect(await verify(honest, { root: tree.root, json: true })).toBe(0);
    expect(await verify(honest, { root: "0".repeat(64), json: true })).toBe(1);

    const [good, bad] = out.map((line) => JSON.parse(line));
    expect(good).toMatchObject({
      ok: true,
      checks: [
        { ok: true },
        { ok: true },
        { ok: true },
        { ok: true },
        {},
        {},
        {},
        {},
        {},
        {},
        {},
        {},
        {},
        {},
        {},
        {},
      ],
    });
    expect(bad.ok).toBe(false);
  });

  it("refuses a file that is not there, and a root that is none", async () => {
    await expect(verifyCommand({ file: join(dir, "none") }, modules())).rejects.toMatchObject({
      code: "proof-file",
    });
    await expect(verify(honest, { root: "abc" })).rejects.toMatchObject({ code: "verify-option" });
    await expect(verify(honest, { pool: "ftp://x" })).rejects.toMatchObject({ code: "verify-option" });
  });
});

describe("prosper verify --pool", () => {
  let api: TestApi;
  let web: Web;
  let file: Record<string, unknown>;
  beforeAll(async () => {
    api = await createTestApi();
    web = await startWeb(
      { host: "127.0.0.1", port: 0, proxies: [] },
      { handler: api.handler, logger: SILENT },
    );
    const ann = testClient(api.handler);
    await ann.send("POST", "/api/session", { body: { name: "ann", password: PASSWORD } });
    file = (await ann.json("GET", `/api/me/blocks/${FIRST_HEIGHT}/proof`)).body as Record<string, unknown>;
  });
  afterAll(async () => {
    await web.stop();
    await api.database.drop();
  });

  it("compares root, key, shares and books with what the pool's page publishes", async () => {
    expect(await verify(file, { pool: web.url })).toBe(0);
    expect(out.filter((line) => line.includes("the pool publishes the same"))).toHaveLength(6);

    expect(await verify({ ...file, height: FIRST_HEIGHT + 1 }, { pool: web.url })).toBe(1);
    const books = { reward: "1", carriedIn: "0", fee: "1", paid: "0", carried: "0" };
    expect(await verify({ ...file, books, receipts: [] }, { pool: web.url })).toBe(1);
  });

  it.each<[string, RequestListener, string]>([
    ["redirects", (_, reply) => reply.writeHead(302, { location: "http://127.0.0.1/" }).end(), "status 302"],
    ["sends too much", (_, reply) => reply.end("x".repeat(2 * 1024 * 1024)), "more than 1048576 bytes"],
    ["is no pool", (_, reply) => reply.end("{}"), "not that of a pool"],
    ["has no such block", (_, reply) => reply.writeHead(404).end(), "status 404"],
  ])("refuses a pool that %s", async (_, listener, why) => {
    const server: Server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;

    const attempt = verify(honest, { pool: `http://127.0.0.1:${port}` });

    await expect(attempt).rejects.toMatchObject({ code: "pool-away", message: expect.stringContaining(why) });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("says what to do when the pool is not there", async () => {
    await expect(verify(honest, { pool: "http://127.0.0.1:1" })).rejects.toMatchObject({ code: "pool-away" });
  });
});
