/** What a user is owed, asked of a pool's pages. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type AccountWatch, watchAccount } from "../../../../infra/cli/network/account-watch.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import { untilTrue } from "../../../support/until.ts";

let server: Server | undefined;
let watch: AccountWatch | undefined;
afterEach(() => {
  watch?.stop();
  server?.closeAllConnections();
  server?.close();
});

async function watching(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: IncomingMessage[] = [];
  let open = 0;
  server = createServer((request, response) => {
    asked.push(request);
    open += 1;
    response.once("close", () => {
      open -= 1;
    });
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const site = new URL(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`);
  const [clock, warned] = [manualClock(), [] as unknown[]];
  const logger = {
    ...SILENT,
    warn: (_: string, data?: Record<string, unknown>) => void warned.push(data?.["error"]),
  };
  const started = watchAccount({ site, token: "pt_secret" }, { fetch, clock, logger });
  watch = started;
  /** The next time it is asked, until the answer is taken in. */
  const minute = async (): Promise<void> => {
    const before = asked.length;
    clock.advance(60_000);
    await untilTrue(() => asked.length > before && open === 0);
    await pause(30);
  };
  return { asked, minute, warned, watch: started };
}
const me = (owed: string, pending: string): string => JSON.stringify({ name: "ann", owed, pending });

describe("what is owed", () => {
  it("is asked at once and each minute, with the token, and nothing else is asked", async () => {
    let owed = "100";
    const { asked, minute, watch } = await watching((_, response) => response.end(me(owed, "5")));
    await untilTrue(() => watch.owed() !== undefined);
    expect(watch.owed()).toEqual({ owed: 100n, pending: 5n });
    owed = "12345678901234567890";
    await minute();
    expect(watch.owed()?.owed).toBe(12_345_678_901_234_567_890n);
    expect(asked).toHaveLength(2);
    expect(
      new Set(asked.map(({ method, url, headers }) => `${method} ${url} ${headers.authorization}`)),
    ).toEqual(new Set(["GET /api/me Bearer pt_secret"]));
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ["a token that is not taken", (response) => response.writeHead(401).end(), /does not take the token/],
    ["a status", (response) => response.writeHead(503).end(), /status 503/],
    ["a redirect", (response) => response.writeHead(302, { location: "https://other.example" }).end(), /./],
    ["what is no account", (response) => response.end('{"owed": 1}'), /not that of a pool/],
    [
      "more than there is room for",
      (response) => response.end(" ".repeat(2 ** 20 + 1)),
      /not that of a pool/,
    ],
  ])("is told once to be unknown, at %s, and the last figure stays", async (_, fail, words) => {
    let failing = false;
    const { minute, warned, watch } = await watching((_request, response) =>
      failing ? fail(response) : response.end(me("7", "0")),
    );
    await untilTrue(() => watch.owed() !== undefined);
    failing = true;
    await minute();
    await minute();
    expect(warned).toEqual([expect.stringMatching(words)]);
    expect(watch.owed()).toEqual({ owed: 7n, pending: 0n });
  });
});
