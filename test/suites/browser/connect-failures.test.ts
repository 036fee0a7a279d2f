/**
 * Whatever goes wrong between a miner and its first share is named on the page that its line was copied from: every reason to end a connection, every
 * verdict on a share, every refused login. On the real stratum server and pages; the logins' and shares' verdicts are given by the test (those of a
 * real pool: connect.test.ts).
 */

import { createConnection, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { it } from "vitest";
import { listenStratum } from "../../../edge/stratum/listener.ts";
import { type EndReason, NO_METRICS } from "../../../edge/stratum/metrics.ts";
import { NO_ORDERS, type StratumOrders } from "../../../edge/stratum/orders.ts";
import { StratumServer } from "../../../edge/stratum/server.ts";
import type { StratumSettings } from "../../../edge/stratum/settings.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";
import { REFUSAL_CODES } from "../../../shared/messages/refusals.ts";
import { MAX_LINE_BYTES } from "../../../shared/messages/stratum.ts";
import { call, ScriptedBackend, share } from "../../support/stratum/harness.ts";
import { TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";
import { describeInBrowser, setScene } from "./scene.ts";
import type { Visitor } from "./visitor.ts";
import { startPages } from "./web.ts";

/** Passes at the server's next look, within a second. */
const AT_ONCE_MS = 1;

let stratum: StratumServer | undefined;
let visitor: Visitor;
const scene = setScene(
  () => startPages({ sightings: { look: async (by) => stratum?.sightings.look(by) ?? [] } }),
  async () => {
    visitor = await scene.openAs("ann", { width: 390, height: 844, colorScheme: "light", scale: 3 });
  },
);

interface Failure {
  readonly settings?: Partial<StratumSettings>;
  readonly orders?: StratumOrders;
  readonly speaksTls?: boolean;
  /** What the backend answers. */
  readonly prepare?: (backend: ScriptedBackend) => void;
  /** What the miner does. */
  readonly provoke: (miner: Miner) => void;
  readonly words: RegExp | string;
}

interface Miner {
  readonly port: number;
  readonly server: StratumServer;
  /** A new connection that sends this. */
  send(...lines: string[]): Socket;
  /** The line that brings the page's code. */
  readonly subscribe: string;
}

const LOGIN = call(2, "mining.authorize", "ann,rig", "a password", "", "");
const login = ({ send, subscribe }: Miner): void => void send(subscribe, LOGIN);
const refusedLogin = (reason: string): Failure => ({
  prepare: (backend) => {
    backend.login = async () => ({ kind: "refused", reason });
  },
  provoke: login,
  words: reason,
});
const sharesOf =
  (count: number) =>
  ({ send, subscribe }: Miner): void =>
    void send(subscribe, LOGIN, ...Array.from({ length: count }, (_, i) => share(i + 10, "ann")));
const forged = (backend: ScriptedBackend): void => {
  backend.verdict = async () => ({ kind: "refused", code: "wrong-hash", reason: "the hash is another one" });
};
const BARRED: StratumOrders = {
  ...NO_ORDERS,
  barOf: () => ({ scope: "all", reason: "", untilMs: null }),
};
/** No address of this machine's is exempt. */
const STRICT = { exemptAddresses: [] };

/** Of which a page can be told. `proxy-header`: the balancer's own fault, before an address is known. */
type ToldReason = Exclude<EndReason, "proxy-header">;

/** A reason that is new without a row here does not compile. */
const ENDS: Readonly<Record<ToldReason, Failure>> = {
  "client-closed": {
    provoke: ({ send, subscribe }) => void send(subscribe).end(),
    words: "the connection was closed",
  },
  "socket-error": {
    provoke: ({ send, subscribe }) => {
      const socket = send(subscribe);
      socket.once("data", () => socket.resetAndDestroy());
    },
    words: /the connection (broke|was closed)/i,
  },
  shutdown: {
    provoke: (miner) => {
      miner.send(miner.subscribe).once("data", () => void miner.server.close());
    },
    words: "the pool restarts: the miner comes back by itself",
  },
  full: {
    settings: { maxConnections: 1 },
    provoke: (miner) => void miner.send().once("connect", () => login(miner)),
    words: "the pool's server is full",
  },
  "address-full": {
    settings: { ...STRICT, maxConnectionsPerAddress: 0 },
    provoke: login,
    words: "more than 0 connections from your address",
  },
  banned: {
    settings: { ...STRICT, malformedLimit: 1 },
    provoke: ({ send }) => void send("nothing\n").once("close", () => send(LOGIN)),
    words: "your address is sent away for up to 180 s",
  },
  barred: { orders: BARRED, provoke: login, words: "this pool's operator has barred you" },
  "oversized-line": {
    provoke: ({ send, subscribe }) => void send(subscribe, "x".repeat(MAX_LINE_BYTES + 1)),
    words: `a line has at most ${MAX_LINE_BYTES} bytes`,
  },
  "malformed-lines": {
    settings: { malformedLimit: 2 },
    provoke: ({ send, subscribe }) => void send(subscribe, "one\n", "two\n"),
    words: "2 lines were no requests",
  },
  "invalid-shares": {
    settings: { invalidWindow: 2 },
    prepare: forged,
    provoke: sharesOf(4),
    words: "more than half of 2 shares were wrong: check this machine",
  },
  "wrong-table": {
    settings: { invalidWindow: 2, tableBits: 16 },
    prepare: forged,
    provoke: sharesOf(4),
    words: "this pool's table has 16 bits: start the miner with --bits 16",
  },
  "line-deadline": {
    settings: { lineDeadlineMs: AT_ONCE_MS },
    provoke: ({ send, subscribe }) => void send(subscribe, "{"),
    words: "a line has to come whole within",
  },
  "authorize-deadline": {
    settings: { authorizeDeadlineMs: AT_ONCE_MS },
    provoke: ({ send, subscribe }) => void send(subscribe),
    words: "log in within",
  },
  idle: {
    settings: { idleMs: AT_ONCE_MS },
    provoke: login,
    words: "no line was heard from you for",
  },
  shareless: {
    settings: { sharelessMs: AT_ONCE_MS, maxConnections: 1 },
    provoke: login,
    words: "no valid share came from you for",
  },
  "slow-reader": {
    settings: { maxUnsentBytes: 0 },
    provoke: (miner) => {
      miner.send(miner.subscribe, LOGIN).pause();
    },
    words: "the miner did not read what the pool sent",
  },
  "no-verdict": {
    prepare: (backend) => {
      backend.login = async () => ({ kind: "unavailable" });
    },
    provoke: login,
    words: "the pool could not answer at that moment: the miner comes back by itself",
  },
  "no-prefix": {
    prepare: (backend) => {
      backend.prefixesLeft = 0;
    },
    provoke: login,
    words: "no nonce prefix is free",
  },
  "worker-paused": {
    settings: { invalidWindow: 2 },
    prepare: forged,
    provoke: (miner) => {
      const lines = Array.from({ length: 4 }, (_, i) => share(i + 10, "ann"));
      miner.send(miner.subscribe, LOGIN, ...lines).once("close", () => login(miner));
    },
    words: "this worker was sent away because its shares were wrong",
  },
  "tls-hello": {
    provoke: ({ port }) => {
      connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }).on("error", () => undefined);
    },
    words: "this port does not speak TLS",
  },
  "tls-failed": {
    speaksTls: true,
    provoke: login,
    words: "this port speaks TLS only",
  },
};

const OTHERS: Readonly<Record<string, Failure>> = {
  "a refused login": refusedLogin("wrong user name or password"),
  "a login without a machine's name": {
    provoke: ({ send, subscribe }) => void send(subscribe, call(2, "mining.authorize", "user")),
    words: "the login has to be NAME,RIG",
  },
  "a user's name that is none": {
    provoke: ({ send, subscribe }) => void send(subscribe, call(2, "mining.authorize", "us er,rig")),
    words: "user name: expected 1 to 254 visible ASCII characters",
  },
  "a machine's name that is none": {
    provoke: ({ send, subscribe }) => void send(subscribe, call(2, "mining.authorize", "user,r i g")),
    words: "worker name: expected at most 64 visible ASCII characters",
  },
  "another user on the same connection": {
    provoke: ({ send, subscribe }) => void send(subscribe, LOGIN, call(3, "mining.authorize", "bob,rig")),
    words: "another user needs another connection",
  },
  "a share before the login": {
    provoke: ({ send, subscribe }) => void send(subscribe, share(10, "ann")),
    words: "a share came before a login",
  },
  "a share of another table, before any share": {
    settings: { tableBits: 16 },
    provoke: ({ send, subscribe }) => void send(subscribe, LOGIN, call(3, "mining.table", "100", "9")),
    words: "its table has 9 bits, but this pool's table has 16 bits",
  },
  "a share without a subscription": {
    provoke: ({ send }) => void send(LOGIN, share(10, "ann")),
    words: "send mining.subscribe before the first share",
  },
  ...Object.fromEntries(
    REFUSAL_CODES.map((code): [string, Failure] => [
      `a share that is refused: ${code}`,
      {
        prepare: (backend) => {
          backend.verdict = async () => ({ kind: "refused", code, reason: `because of ${code}` });
        },
        provoke: sharesOf(1),
        words: `because of ${code}`,
      },
    ]),
  ),
};

describeInBrowser("the page names", () => {
  it.each([...Object.entries(ENDS), ...Object.entries(OTHERS)])(
    "%s",
    async (_, { settings = {}, orders = NO_ORDERS, speaksTls = false, prepare, provoke, words }) => {
      const backend = new ScriptedBackend();
      prepare?.(backend);
      const server = new StratumServer(settings, {
        ...{ backend, orders, clock: systemClock, random: systemRandom, logger: SILENT, metrics: NO_METRICS },
      });
      const tls = speaksTls ? { tls: { key: TEST_KEY, cert: TEST_CERT } } : {};
      const listening = await listenStratum({ host: "127.0.0.1", port: 0, ...tls }, server);
      stratum = server;
      const sockets: Socket[] = [];
      const send = (...lines: string[]): Socket => {
        const socket = createConnection({ port: listening.port, host: "127.0.0.1" });
        sockets.push(socket);
        socket.on("error", () => undefined);
        // Read, so that its end is seen.
        socket.resume();
        socket.write(lines.join(""));
        return socket;
      };
      try {
        const { page } = visitor;
        await visitor.visit("/");
        const item = page.locator(".commands li", { hasText: "Every other start" }).first();
        await item.getByRole("button").click();
        await page.getByText("Waiting for your miner").waitFor();
        const line = (await item.locator("code").textContent()) ?? "";
        const code = / --connect ([A-Z2-7]{16})$/.exec(line)?.[1] ?? "";
        provoke({
          ...{ port: listening.port, server, send },
          subscribe: call(1, "mining.subscribe", `prosper-ts/0.1 connect/${code}`),
        });
        const problem = page.getByRole("region", { name: "Your miner" }).locator(".bad");
        await problem.filter({ hasText: words }).waitFor();
      } finally {
        for (const socket of sockets) socket.destroy();
        listening.stop();
        await server.close();
      }
    },
  );
});
