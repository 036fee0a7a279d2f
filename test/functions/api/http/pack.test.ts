import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodingFor } from "../../../../functions/api/http/pack.ts";
import type { HttpReply } from "../../../../functions/http.ts";
import { createTestApi, loggedIn, type TestApi } from "../../../support/api.ts";
import { type TestClient, testClient } from "../../../support/http-client.ts";

let api: TestApi;
let visitor: TestClient;
beforeAll(async () => {
  api = await createTestApi();
  visitor = testClient(api.handler);
});
afterAll(() => api.database.drop());

const get = (path: string, headers: Record<string, string> = {}): Promise<HttpReply> =>
  visitor.send("GET", path, { headers });
const bytes = (reply: HttpReply): Buffer => Buffer.from(reply.body ?? "", "base64");

describe("an answer", () => {
  it("is compressed as the client can read it: by brotli rather than gzip, and by neither where neither is named", async () => {
    const plain = await get("/api/pool");
    const zipped = await get("/api/pool", { "accept-encoding": "deflate, gzip" });
    const packed = await get("/api/pool", { "accept-encoding": "gzip, deflate, br, zstd" });

    expect([plain.isBase64Encoded, plain.headers?.["content-encoding"]]).toEqual([undefined, undefined]);
    expect([zipped.isBase64Encoded, zipped.headers?.["content-encoding"]]).toEqual([true, "gzip"]);
    expect([packed.isBase64Encoded, packed.headers?.["content-encoding"]]).toEqual([true, "br"]);
    expect(gunzipSync(bytes(zipped)).toString()).toBe(plain.body);
    expect(brotliDecompressSync(bytes(packed)).toString()).toBe(plain.body);
    expect(bytes(packed).length * 3).toBeLessThan((plain.body ?? "").length);
    for (const reply of [plain, zipped, packed]) expect(reply.headers?.["vary"]).toContain("accept-encoding");
  });

  it.each(["/", "/api/pool/history", "/api/blocks", "/api/openapi.json", "/assets/latest/app.css"])(
    "at %s is compressed and named",
    async (path) => {
      const reply = await get(path, { accept: "text/html", "accept-encoding": "br" });

      expect(reply.headers?.["content-encoding"]).toBe("br");
      expect(reply.headers?.["etag"]).toMatch(/^W\/"[\w-]{22}"$/);
    },
  );

  it.each(["/", "/api/pool", "/api/blocks", "/assets/latest/app.css"])(
    "at %s is not sent again to who has it, whether a cache has made its name weak or not",
    async (path) => {
      const accept = { accept: "text/html" };
      const first = await get(path, accept);
      const etag = String(first.headers?.["etag"]);
      for (const known of [etag, etag.replace("W/", ""), `"other", ${etag}`]) {
        const again = await get(path, { ...accept, "if-none-match": known });
        expect([again.statusCode, again.body, again.headers?.["etag"]]).toEqual([304, "", etag]);
        expect(again.headers?.["cache-control"]).toBe(first.headers?.["cache-control"]);
      }
      expect((await get(path, { ...accept, "if-none-match": '"other"' })).statusCode).toBe(200);
    },
  );

  it("has the same name a moment later where nothing but the moment has changed", async () => {
    const first = await get("/api/pool");
    api.clock.advance(2_000);
    const later = await get("/api/pool");

    expect(later.body).not.toBe(first.body);
    expect(later.headers?.["etag"]).toBe(first.headers?.["etag"]);
  });

  it("may be kept for a moment by caches where it is the same for all, and by none where it is one user's", async () => {
    const ann = await loggedIn(api, "ann");
    const cacheOf = async (client: TestClient, path: string) =>
      (await client.send("GET", path)).headers?.["cache-control"];

    for (const path of ["/api/pool", "/api/blocks", "/api/pool/history", "/api/submissions"])
      expect(await cacheOf(visitor, path), path).toMatch(/^public, max-age=[1-5]$/);
    for (const path of ["/api/me", "/api/me/blocks", "/api/session"]) {
      expect(await cacheOf(ann, path), path).toBe("private, no-store");
      expect(await cacheOf(visitor, path), path).toBe("private, no-store");
    }
    expect(await cacheOf(visitor, "/healthz")).toBe("private, no-store");
    expect(await cacheOf(visitor, "/api/blocks/77")).toBe("private, no-store");
  });

  it("to one user is named too, so that a poll without news costs a few bytes", async () => {
    const ann = await loggedIn(api, "ann");
    const first = await ann.send("GET", "/api/me");
    const again = await ann.send("GET", "/api/me", {
      headers: { "if-none-match": String(first.headers?.["etag"]) },
    });

    expect([again.statusCode, again.body]).toEqual([304, ""]);
  });
});

describe("Accept-Encoding", () => {
  it.each([
    ["", undefined],
    ["identity", undefined],
    ["gzip", "gzip"],
    ["GZIP;q=0.5, br;q=0.1", "br"],
    ["br;q=0, gzip", "gzip"],
    ["br;q=0.000, gzip;q=0", undefined],
    ["xbr, gzipped", undefined],
  ])("%j asks for %s", (header, encoding) => {
    expect(encodingFor(header)).toBe(encoding);
  });
});
