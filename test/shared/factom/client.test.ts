/** The client's request bodies against `factom.json`, and each kind of failure against a real HTTP server. */

import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import * as v from "valibot";
import { afterEach, describe, expect, it } from "vitest";
import { fromHex } from "../../../shared/bytes.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { createFactomd, type Factomd } from "../../../shared/factom/client.ts";

const CALL = v.object({
  kind: v.literal("factomdRPC"),
  call: v.string(),
  request: v.string(),
  reply: v.string(),
  error: v.nullable(v.string()),
});
const file: { cases: { kind: string }[] } = JSON.parse(
  readFileSync("test/support/vectors/factom.json", "utf8"),
);
const calls = v.parse(
  v.array(CALL),
  file.cases.filter((one) => one.kind === "factomdRPC"),
);

const param = (request: string, name: string): Uint8Array => {
  const parsed = JSON.parse(request.replace(/"id":ID/, '"id":0'));
  return fromHex(parsed.params[name]);
};
const hashIn = (request: string): string => JSON.parse(request.replace(/"id":ID/, '"id":0')).params.hash;

/** What our client answers to each recorded reply. */
const PLAY: Record<string, (factomd: Factomd, request: string) => Promise<unknown>> = {
  heights: (factomd) => factomd.heights(),
  "dblock-by-height": (factomd) => factomd.dblockByHeight(1234),
  "raw-data (eblock by KeyMR)": (factomd, request) => factomd.entryBlock(hashIn(request)),
  "raw-data (entry by hash)": (factomd, request) => factomd.entry(hashIn(request)),
  "current-minute": (factomd) => factomd.currentMinute(),
  "commit-entry": (factomd, request) => factomd.commitEntry(param(request, "message")),
  "reveal-entry": (factomd, request) => factomd.revealEntry(param(request, "entry")),
  "commit-entry, error reply": (factomd, request) => factomd.commitEntry(param(request, "message")),
};
const ANSWERS: Record<string, unknown> = {
  heights: { directoryBlock: 5, leader: 6, entry: 5 },
  "dblock-by-height": expect.objectContaining({ code: "factomd-reply" }),
  "raw-data (eblock by KeyMR)": expect.objectContaining({ entries: expect.any(Array) }),
  "raw-data (entry by hash)": expect.objectContaining({ content: expect.any(Uint8Array) }),
  "current-minute": expect.objectContaining({ leaderHeight: 6, directoryBlockHeight: 5, minute: 3 }),
  "commit-entry": { kind: "accepted", txId: "aa", entryHash: "bb" },
  "reveal-entry": { entryHash: "bb" },
  "commit-entry, error reply": { kind: "repeated" },
};

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A client of a server that answers with `listener`. */
async function serve(listener: RequestListener, timeoutMs = 2000): Promise<Factomd> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const url = `http://127.0.0.1:${address.port}/v2`;
  return createFactomd({ url, timeoutMs }, { fetch, clock: systemClock, random: systemRandom });
}

const replyWith = (text: string, status = 200): RequestListener => {
  return (request, response) => {
    request.resume().on("end", () => response.writeHead(status).end(text));
  };
};

describe("the factomd client", () => {
  it("sends the bodies of the reference and reads its replies", async () => {
    expect(calls.map((one) => one.call)).toEqual(Object.keys(PLAY));
    for (const one of calls) {
      let body = "";
      const answer: typeof fetch = (_url, init) => {
        body = String(init?.body);
        const { id } = JSON.parse(body);
        return Promise.resolve(new Response(one.reply.replace('"id":ID', `"id":${id}`)));
      };
      const options = { url: "http://node.invalid/v2", timeoutMs: 1000 };
      const factomd = createFactomd(options, { fetch: answer, clock: systemClock, random: systemRandom });

      const result = await PLAY[one.call]?.(factomd, one.request).catch((thrown: unknown) => thrown);

      expect(body.replace(/"id":\d+/, '"id":ID'), one.call).toBe(one.request);
      expect(result, one.call).toEqual(ANSWERS[one.call]);
    }
  });

  it("takes a missing block, entry or chain head as an answer", async () => {
    const factomd = await serve((request, response) => {
      request.on("data", (chunk) => {
        const { id, method } = JSON.parse(String(chunk));
        const error =
          method === "chain-head"
            ? { code: -32009, message: "Missing Chain Head" }
            : { code: -32008, message: "Block not found" };
        response.writeHead(400).end(JSON.stringify({ jsonrpc: "2.0", id, error }));
      });
    });

    const answers = await Promise.all([
      factomd.dblockByHeight(7),
      factomd.entry("00".repeat(32)),
      factomd.entryBlock("00".repeat(32)),
      factomd.chainHead("00".repeat(32)),
    ]);

    expect(answers).toEqual([undefined, undefined, undefined, undefined]);
  });

  it.each([
    ["an HTTP error page", "factomd-http", replyWith("<h1>Bad Gateway</h1>", 502)],
    ["text that is not JSON", "factomd-reply", replyWith("hello")],
    ["JSON that is not JSON-RPC", "factomd-reply", replyWith("{}")],
    ["the answer to another call", "factomd-reply", replyWith('{"jsonrpc":"2.0","id":-1,"result":{}}')],
    [
      "the node's own refusal",
      "factomd-refused",
      replyWith('{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}', 400),
    ],
    [
      "a reply without end",
      "factomd-timeout",
      ((_request, response) => response.write("{")) satisfies RequestListener,
    ],
    ["a hang-up", "factomd-unreachable", ((request) => request.socket.destroy()) satisfies RequestListener],
  ])("names %s as one coded error", async (_what, code, listener) => {
    const factomd = await serve(listener, 300);

    await expect(factomd.heights()).rejects.toMatchObject({ name: "CodedError", code });
  });

  it("refuses a result of another shape and says where", async () => {
    const factomd = await serve((request, response) => {
      request.on("data", (chunk) => {
        const { id } = JSON.parse(String(chunk));
        response.end(
          JSON.stringify({
            jsonrpc: "2.0",
            id,
            result: { directoryblockheight: "five", leaderheight: 6, entryheight: 5 },
          }),
        );
      });
    });

    await expect(factomd.heights()).rejects.toThrow(/heights: directoryblockheight: /);
  });

  it("refuses bytes that do not hash to what was asked for", async () => {
    const entry = calls.find((one) => one.call === "raw-data (entry by hash)");
    const factomd = await serve((request, response) => {
      request.on("data", (chunk) => {
        const { id } = JSON.parse(String(chunk));
        response.end(entry?.reply.replace('"id":ID', `"id":${id}`));
      });
    });

    await expect(factomd.entry("11".repeat(32))).rejects.toMatchObject({ code: "factomd-reply" });
    await expect(factomd.entryBlock("11".repeat(32))).rejects.toMatchObject({ code: "factomd-reply" });
  });
});
