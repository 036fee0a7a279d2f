import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompressSync } from "node:zlib";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listenStratum } from "../../../edge/stratum/listener.ts";
import type { FunctionName } from "../../../functions/environment.ts";
import { type Bundles, bundleFunctions, MAX_BUNDLE_BYTES, sizeLines } from "../../../infra/aws/bundle.ts";
import { type DataApiServer, startDataApiServer } from "../../../infra/emulator/data-api/server.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { lastProbe } from "../../../shared/db/canary.ts";
import { sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { startHttpCatcher, startMailCatcher } from "../../support/alert-catchers.ts";
import { destinationOf, rigsBecame } from "../../support/alerts.ts";
import { httpEvent, lambdaEnvironment } from "../../support/aws/lambda-process.ts";
import { startSecrets } from "../../support/aws/secrets-stub.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { startHarness } from "../../support/stratum/harness.ts";

const run = promisify(execFile);
const NAMES = [...(["accounting", "alerts", "auth", "poll", "api", "janitor", "canary", "migrate"] as const)];

let bundles: Bundles;
let database: TestDatabase;
let dataApi: DataApiServer;

beforeAll(async () => {
  bundles = await bundleFunctions(mkdtempSync(join(tmpdir(), "prosper-bundles-")));
  database = await createTestDatabase();
  dataApi = await startDataApiServer(
    { databaseUrl: database.url },
    { clock: systemClock, random: systemRandom, logger: SILENT },
  );
});

afterAll(async () => {
  await dataApi.close();
  await database.drop();
});

/** Calls the bundled function in a process of its own, as Lambda does: nothing but the bundle's folder. Answers its result as JSON. */
async function invoke(
  name: FunctionName,
  event: unknown,
  env: Record<string, string> = {},
): Promise<unknown> {
  const script = `
    const { handler } = await import(${JSON.stringify(`file://${bundles[name].folder}/index.mjs`)});
    const context = { functionName: "test", awsRequestId: "1", getRemainingTimeInMillis: () => 30000 };
    const result = await handler(${JSON.stringify(event)}, context);
    process.stdout.write("\\nRESULT " + JSON.stringify(result ?? null), () => process.exit(0));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], {
    cwd: bundles[name].folder,
    env: {
      ...lambdaEnvironment(name, { url: dataApi.url, database: database.url.replace(/.*\//, "") }),
      ...env,
    },
  });
  return JSON.parse(stdout.slice(stdout.lastIndexOf("RESULT ") + "RESULT ".length));
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

describe("the bundles", () => {
  it("are small", () => {
    for (const line of sizeLines(bundles)) process.stdout.write(`${line}\n`);
    for (const name of NAMES) {
      expect(bundles[name].bytes, name).toBeGreaterThan(50_000);
      expect(bundles[name].bytes, name).toBeLessThan(MAX_BUNDLE_BYTES);
    }
  });

  it("of the api serves pages with their files, compressed, and the pool's figures from the database", async () => {
    const page = await invoke("api", httpEvent("GET", "/", { accept: "text/html" }));
    expect(page).toMatchObject({ statusCode: 200, body: expect.stringContaining("<!doctype html>") });
    const plain = await invoke("api", httpEvent("GET", "/assets/latest/pages/pool.js"));
    expect(plain).toMatchObject({ statusCode: 200, body: expect.stringContaining("Hash rate by block") });
    const packed = v.parse(
      v.object({
        body: v.string(),
        isBase64Encoded: v.literal(true),
        headers: v.record(v.string(), v.string()),
      }),
      await invoke(
        "api",
        httpEvent("GET", "/assets/latest/pages/pool.js", { "accept-encoding": "gzip, br" }),
      ),
    );
    expect(packed.headers["content-encoding"]).toBe("br");
    expect(brotliDecompressSync(Buffer.from(packed.body, "base64")).toString()).toContain(
      "Hash rate by block",
    );
    const pool = await invoke("api", httpEvent("GET", "/api/pool"));
    expect(pool).toMatchObject({ statusCode: 200, body: expect.stringContaining('"name":"Test"') });
  });

  it("of the api serves the miner from a file beside it, which no start loads", async () => {
    const name = readdirSync(bundles.api.folder).find((file) =>
      /^prosper-miner-[0-9a-f]{16}\.tgz$/.test(file),
    );
    const bytes = readFileSync(join(bundles.api.folder, name ?? ""));
    expect(bytes.length).toBeGreaterThan(100_000);
    const { body, headers } = v.parse(
      v.object({ statusCode: v.literal(200), body: v.string(), headers: v.record(v.string(), v.string()) }),
      await invoke("api", httpEvent("GET", `/${name}`)),
    );
    expect(Buffer.from(body, "base64").equals(bytes)).toBe(true);
    expect(headers["cache-control"]).toContain("immutable");
    expect(readFileSync(join(bundles.api.folder, "dashboard.json"), "utf8")).not.toContain(body.slice(0, 64));
    const pool = await invoke("api", httpEvent("GET", "/api/pool"));
    expect(pool).toMatchObject({ body: expect.stringContaining(name ?? "") });
  });

  it("of the api tell a visitor that the database wakes up, before the page gives up and Lambda does", async () => {
    const asleep = createServer((request, response) => {
      request.resume();
      response.writeHead(400, {
        ...{ "content-type": "application/json", "x-amzn-errortype": "DatabaseResumingException" },
      });
      response.end(JSON.stringify({ message: "The Aurora DB instance is resuming" }));
    });
    const url = await listen(asleep);
    const beganMs = performance.now();
    const answer = await invoke("api", httpEvent("GET", "/api/pool"), { AWS_ENDPOINT_URL_RDS_DATA: url });
    const page = await invoke("api", httpEvent("GET", "/", { accept: "text/html" }), {
      AWS_ENDPOINT_URL_RDS_DATA: url,
    });
    asleep.close();

    expect(answer).toMatchObject({
      statusCode: 503,
      headers: { "retry-after": "5" },
      body: expect.stringContaining('"db-waking","message":"the pool\'s database was asleep and wakes up'),
    });
    expect(performance.now() - beganMs).toBeLessThan(10_000);
    // The page itself needs no database: it shows that text, and asks again.
    expect(page).toMatchObject({ statusCode: 200 });
  });

  it("of the api refuses whoever comes around CloudFront, by a secret that is in no variable and may be changed", async () => {
    const secrets = await startSecrets({ "prosper/test/origin": { AWSCURRENT: "first" } });
    const env = { AWS_ENDPOINT_URL: secrets.url, ORIGIN_SECRET_NAME: "prosper/test/origin" };
    const ask = async (secret?: string): Promise<number> => {
      const headers = secret === undefined ? {} : { "x-origin-secret": secret };
      const answer = await invoke("api", httpEvent("GET", "/api/openapi.json", headers), env);
      return v.parse(v.object({ statusCode: v.number() }), answer).statusCode;
    };

    expect([await ask(), await ask("first"), await ask("second")]).toEqual([403, 200, 403]);
    secrets.put("prosper/test/origin", { AWSCURRENT: "second", AWSPREVIOUS: "first" });
    expect([await ask("first"), await ask("second"), await ask("third")]).toEqual([200, 200, 403]);
    await secrets.close();
    expect(await ask("second")).toBe(503);
  });

  it("of the api shows that receipts can be signed where the schedule asks, and fails where they cannot", async () => {
    const secrets = await startSecrets({ "prosper/test/receipts": { AWSCURRENT: "seed" } });
    const env = { AWS_ENDPOINT_URL: secrets.url, RECEIPT_SECRET_NAME: "prosper/test/receipts" };

    expect(await invoke("api", { check: "receipts" }, env)).toEqual({ signed: true });
    expect(secrets.asked).toEqual(["prosper/test/receipts AWSCURRENT", "prosper/test/receipts AWSPREVIOUS"]);
    await secrets.close();
    await expect(invoke("api", { check: "receipts" }, env)).rejects.toThrow("prosper/test/receipts");
    await expect(invoke("api", { check: "receipts" })).rejects.toThrow("receipts cannot be signed");
  });

  it("of accounting reports the message that cannot be applied, and no other", async () => {
    const records = ["{}", "poison"].map((body, i) => ({ messageId: `m${i}`, body, attributes: {} }));
    expect(await invoke("accounting", { Records: records })).toEqual({
      batchItemFailures: [{ itemIdentifier: "m0" }, { itemIdentifier: "m1" }],
    });
    expect(await invoke("accounting", { Records: [] })).toEqual({ batchItemFailures: [] });
  });

  it("of auth refuses an unknown user", async () => {
    const request = { v: 1, kind: "authorize", user: "nobody", password: "secret", invite: "", address: "" };
    expect(await invoke("auth", request)).toMatchObject({ kind: "refused" });
  });

  it("of janitor and poll run", async () => {
    expect(await invoke("janitor", {})).toMatchObject({ sealed: 0 });
    // Nothing listens at the feed's address.
    expect(await invoke("poll", {})).toMatchObject({ kind: "unpriced" });
  });

  it("of poll asks a source that needs a key with the one in the secret", async () => {
    const given: string[] = [];
    const coinCap = createServer((request, response) => {
      given.push(request.headers.authorization ?? "none");
      response.end(JSON.stringify({ timestamp: Date.now(), data: [{ id: "bitcoin", priceUsd: "60000.5" }] }));
    });
    const secrets = await startSecrets({ "prosper/test/prices": { AWSCURRENT: '{"coincapkey":"key-1"}' } });
    const prices = {
      ...{ priorities: { fixedusd: 0, coincap: 1 }, overrides: {}, urls: { coincap: await listen(coinCap) } },
      ...{ fixed: {}, rule: "priority", single: ["*"], limits: { coin: { median: 10, block: 30 } } },
    };
    const env = { AWS_ENDPOINT_URL: secrets.url, PRICES: JSON.stringify(prices) };

    const priced = invoke("poll", {}, { ...env, PRICE_KEYS_SECRET: "prosper/test/prices" });
    // It has no currencies.
    expect(await priced).toMatchObject({ kind: "unpriced", missing: expect.arrayContaining(["EUR"]) });
    expect(await priced).toMatchObject({ missing: expect.not.arrayContaining(["XBT"]) });
    expect(given).toEqual(["Bearer key-1"]);
    await expect(invoke("poll", {}, { ...env, PRICE_KEYS_SECRET: "prosper/test/none" })).rejects.toThrow(
      "prosper/test/none: ResourceNotFoundException",
    );
    await expect(invoke("poll", {}, env)).rejects.toThrow("CoinCap needs a key");
    await secrets.close();
    coinCap.close();
  });

  it("of alerts deliver what is due, and mail by the server that the secret names", async () => {
    const { db } = database;
    await db.execute(sql`INSERT INTO users (name) VALUES ('ann') ON CONFLICT DO NOTHING`);
    const catcher = await startHttpCatcher();
    const mail = await startMailCatcher();
    const secrets = await startSecrets({ "prosper/test/mail": { AWSCURRENT: `${mail.url}\n` } });
    const env = {
      ...{ AWS_ENDPOINT_URL: secrets.url, MAIL_SECRET_NAME: "prosper/test/mail" },
      MAIL_FROM: "pool@example.org",
    };
    await destinationOf(db, { user: "ann", target: `${catcher.url}/hook` });
    await destinationOf(db, { user: "ann", kind: "email", target: "ann@example.org", secret: "" });
    await rigsBecame(db, "ann", ["shed"], "offline", Date.now());

    expect(await invoke("alerts", {}, env)).toEqual({ delivered: 2, failed: 0 });
    expect(catcher.requests.map(({ path, body }) => [path, JSON.parse(body).data.title])).toEqual([
      ["/hook", "Test: rig shed offline"],
    ]);
    expect(mail.mails).toMatchObject([{ from: "pool@example.org", to: ["ann@example.org"] }]);
    expect(mail.mails[0]?.text).toContain("Subject: Test: rig shed offline");

    // Without what the secret should say mail waits, and nothing else does. As on AWS, where no private address is dialled.
    secrets.put("prosper/test/mail", { AWSCURRENT: '{"user":"x"}' });
    await rigsBecame(db, "ann", ["attic"], "offline", Date.now());
    expect(await invoke("alerts", {}, env)).toEqual({ delivered: 1, failed: 1 });
    await rigsBecame(db, "ann", ["cellar"], "offline", Date.now());
    expect(await invoke("alerts", {}, { ...env, ALLOW_PRIVATE: "no" })).toEqual({ delivered: 0, failed: 1 });
    expect([catcher.requests.length, mail.mails.length]).toEqual([2, 1]);
    await Promise.all([catcher.stop(), mail.stop(), secrets.close()]);
  });

  it("of the canary comes in by the port for miners, waits for a job, and notes what it saw and what it did not", async () => {
    const { server, backend } = startHarness();
    const listening = await listenStratum({ host: "127.0.0.1", port: 0 }, server);
    await invoke("canary", {}, { STRATUM_PORT: `${listening.port}` });
    expect(backend.logins).toMatchObject([{ user: "ops", worker: "canary", password: "" }]);
    expect(backend.shares).toEqual([]);
    const took = expect.any(Number);
    expect(await lastProbe(database.db)).toMatchObject({
      ...{ failedAt: null, height: 1000, connectMs: took, loginMs: took, jobMs: took },
      ...{ answerMs: null, rowMs: null },
    });
    // What it saw is no error of the function.
    backend.login = async () => ({ kind: "refused", reason: "there is no such account" });
    await invoke("canary", {}, { STRATUM_PORT: `${listening.port}` });
    listening.stop();
    expect(await lastProbe(database.db)).toMatchObject({ failedAt: "login" });
  });

  it("name the variable that is missing", async () => {
    const call = invoke("auth", {}, { REGISTRATION: "perhaps" });
    await expect(call).rejects.toThrow("auth: REGISTRATION: expected invite or open");
  });
});
