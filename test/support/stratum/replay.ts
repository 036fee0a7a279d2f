/** Plays the client side of a recorded conversation to the real server on a real socket, and collects what the server says. */

import type { AuthorizeRequest, AuthorizeVerdict, SubmittedShare } from "../../../edge/stratum/backend.ts";
import { runConsoleCommand } from "../../../edge/stratum/console.ts";
import { type Listening, listenStratum } from "../../../edge/stratum/listener.ts";
import { NO_METRICS } from "../../../edge/stratum/metrics.ts";
import { OpenBackend } from "../../../edge/stratum/open-backend.ts";
import { StratumServer } from "../../../edge/stratum/server.ts";
import { STRATUM_DEFAULTS } from "../../../edge/stratum/settings.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { isValidFaAddress } from "../../../shared/factom/address.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { SILENT } from "../../../shared/logger.ts";
import { parseStratumLine } from "../../../shared/messages/stratum.ts";
import { type ManualClock, manualClock } from "../manual-clock.ts";
import { RawClient } from "../raw-client.ts";
import { RecordedPrefixes } from "../recorded-prefixes.ts";
import { clientMessages, type Step } from "./transcript.ts";

export const WELCOME = "Welcome to Prosper pool! Please visit http://my.pool.url:port for more information.";

/** What the server sent, by connection. */
export type Replayed = ReadonlyMap<number, readonly string[]>;

/** The user database that the auth transcripts were recorded with; kept from one transcript to the next. */
export class Accounts {
  readonly #passwords = new Map<string, string>();
  readonly #codes = new Set(["code0", "code1", "code2", "code3", "code4", "code5"]);

  authorize(request: AuthorizeRequest): AuthorizeVerdict {
    const known = this.#passwords.get(request.user);
    if (known !== undefined)
      return request.password === "" || request.password === known
        ? { kind: "ok", registered: false }
        : { kind: "refused", reason: "wrong password" };
    if (request.password === "") return { kind: "refused", reason: "a new user needs a password" };
    if (!isValidFaAddress(request.payoutAddress))
      return { kind: "refused", reason: "the payout address is no FA address" };
    if (!this.#codes.delete(request.invite))
      return { kind: "refused", reason: "the invite code is unknown or claimed" };
    this.#passwords.set(request.user, request.password);
    return { kind: "ok", registered: true };
  }
}

/** The open backend, with what the recording had: its prefixes, its users. */
class RecordedBackend extends OpenBackend {
  readonly prefixes: RecordedPrefixes;
  readonly #used: readonly number[];
  readonly #accounts: Accounts | undefined;
  /** The target that the recorded client was told last. */
  told: bigint = STRATUM_DEFAULTS.firstTarget;

  constructor(
    { hasher, clock }: { readonly hasher: Hasher; readonly clock: ManualClock },
    recorded: { readonly used: readonly number[]; readonly accounts: Accounts | undefined },
  ) {
    const prefixes = new RecordedPrefixes();
    super({ lateMs: 5_000 }, { hasher, clock, random: systemRandom, logger: SILENT, prefixes });
    this.prefixes = prefixes;
    this.#used = recorded.used;
    this.#accounts = recorded.accounts;
  }

  override authorize(request: AuthorizeRequest): Promise<AuthorizeVerdict> {
    return this.#accounts === undefined
      ? super.authorize(request)
      : Promise.resolve(this.#accounts.authorize(request));
  }

  /** The recorded client took no notice of a new prefix: the one that its share begins with is leased to it, with the target that it was told there. */
  override async submit(share: SubmittedShare): ReturnType<OpenBackend["submit"]> {
    const prefix = Number.parseInt(share.nonce.slice(0, 8), 16);
    const target = this.told;
    const known = this.prefixes.find(prefix);
    const isLeased = known?.live === true && known.target === target && known.holder?.user === share.user;
    if (this.#used.includes(prefix) && !isLeased) {
      this.prefixes.upcoming = prefix;
      const holder = { user: share.user, worker: share.worker };
      await this.grantPrefix({ target, holder, measured: undefined });
    }
    return super.submit(share);
  }
}

export interface ReplayOptions {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly hasher: Hasher;
  readonly accounts: Accounts;
}

/** Runs the whole conversation. Throws on an event it does not know: nothing is passed over. */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const run = new Replay(options);
  try {
    return await run.play();
  } finally {
    await run.stop();
  }
}

class Replay {
  readonly #options: ReplayOptions;
  readonly #clock = manualClock();
  readonly #clients = new Map<number, RawClient>();
  readonly #told = new Map<number, bigint>();
  readonly #sent = new Map<number, Uint8Array>();
  /** Session id as recorded → ours. */
  readonly #sessions = new Map<string, string>();
  #backend: RecordedBackend;
  #server: StratumServer;
  #listening: Listening | undefined;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#backend = this.#newBackend();
    this.#server = this.#newServer();
  }

  async play(): Promise<Replayed> {
    const { steps } = this.#options;
    await this.#listen();
    const initial = jobBeforeRecording(steps);
    if (initial !== undefined) this.#backend.setJob(initial.height, initial.oprHash);
    for (const [index, step] of steps.entries()) {
      this.#clock.advance(Math.max(0, step.ms - this.#clock.monotonicMs()));
      if (step.kind === "event")
        for (const text of step.event.split("\n")) await this.#event(step.conn, text, index);
      else if (step.kind === "client") await this.#clientLine(step.conn, step.bytes, index);
      else this.#hear(step.conn, step.line);
    }
    for (const client of this.#clients.values()) await client.fence();
    return new Map([...this.#clients].map(([conn, client]) => [conn, client.lines]));
  }

  async stop(): Promise<void> {
    this.#listening?.stop();
    await this.#server.close();
  }

  #hear(conn: number, line: string): void {
    const target = /"mining\.set_target","params":\["(?:0x)?([0-9a-f]+)"\]/.exec(line)?.[1];
    if (target !== undefined) this.#told.set(conn, BigInt(`0x${target}`));
  }

  async #clientLine(conn: number, bytes: Uint8Array, index: number): Promise<void> {
    const client = this.#client(conn);
    const recorded = recordedSubscription(this.#options.steps, conn);
    if (!ourSession(client.lines)) this.#backend.prefixes.upcoming = recorded?.prefix;
    this.#backend.told = this.#told.get(conn) ?? STRATUM_DEFAULTS.firstTarget;
    client.send(bytes);
    const all = Buffer.concat([this.#sent.get(conn) ?? new Uint8Array(0), bytes]);
    this.#sent.set(conn, all);
    if (all.at(-1) !== 0x0a) return;
    await client.fence();
    const ours = ourSession(client.lines);
    if (recorded !== undefined && ours !== undefined) this.#sessions.set(recorded.session, ours);
    const next = this.#options.steps[index + 1];
    if (next?.kind === "event" && next.event === "server closed" && next.conn === conn)
      await client.until(() => client.closed);
  }

  async #event(conn: number, event: string, index: number): Promise<void> {
    if (event === "connect") {
      this.#clients.set(conn, await RawClient.connect(this.#listening?.port ?? 0));
      await this.#client(conn).fence();
    } else if (event === "client closes" || event === "client closed") await this.#client(conn).close();
    else if (event === "pool killed") await this.stop();
    else if (event === "pool restarted") await this.#restart();
    else if (/^(?:pool console: )?job \d+ /.test(event)) await this.#job(event);
    else if (event.startsWith("pool console: ")) await this.#console(event.slice("pool console: ".length));
    else if (!/^(?:#|no reply|server closed|miner |EXPORT|users|invite_codes|pool lists)/.test(event))
      throw new Error(`${this.#options.name}: step ${index}: an event this test does not know: ${event}`);
  }

  async #job(event: string): Promise<void> {
    const [height = "", oprHash = ""] = event.replace(/^(?:pool console: )?job /, "").split(" ");
    if (this.#backend.setJob(Number(height), oprHash)) this.#server.jobChanged();
    for (const client of this.#clients.values()) await client.fence();
  }

  async #console(command: string): Promise<void> {
    const [verb = "", ...words] = command.split(" ");
    if (verb === "gate") {
      if (words[0] === "on") this.#backend.resume();
      else this.#backend.stop();
      this.#server.jobChanged();
      for (const client of this.#clients.values()) await client.fence();
      return;
    }
    const mine = [verb, this.#sessions.get(words[0] ?? "") ?? "", ...words.slice(1)];
    if (verb === "setnonce") this.#backend.prefixes.upcoming = Number(words[1]);
    const printed = await runConsoleCommand(this.#server, mine.join(" "));
    if (printed !== "" && !/^(?:prefix|not sent: )/.test(printed))
      throw new Error(`${this.#options.name}: ${command}: ${printed}`);
    for (const client of this.#clients.values()) await client.fence();
  }

  async #restart(): Promise<void> {
    this.#backend = this.#newBackend();
    this.#server = this.#newServer();
    await this.#listen();
  }

  async #listen(): Promise<void> {
    this.#listening = await listenStratum({ host: "127.0.0.1", port: 0 }, this.#server);
  }

  #newBackend(): RecordedBackend {
    const { name, steps, hasher, accounts } = this.#options;
    return new RecordedBackend(
      { hasher, clock: this.#clock },
      { used: prefixesUsed(steps), accounts: name.startsWith("auth_") ? accounts : undefined },
    );
  }

  #newServer(): StratumServer {
    return new StratumServer(
      { welcomeMessage: WELCOME, blockPeriodMs: 50_000, tableBits: this.#options.hasher.bits },
      {
        backend: this.#backend,
        clock: this.#clock,
        random: systemRandom,
        logger: SILENT,
        metrics: NO_METRICS,
      },
    );
  }

  #client(conn: number): RawClient {
    const client = this.#clients.get(conn);
    if (client === undefined) throw new Error(`${this.#options.name}: connection ${conn} is not open`);
    return client;
  }
}

/** The job that was set before the recording began: announced, though no job event came before. */
function jobBeforeRecording(steps: readonly Step[]): { height: number; oprHash: string } | undefined {
  for (const step of steps) {
    if (step.kind === "event" && step.event.includes("job ")) return undefined;
    const message = step.kind === "server" ? parseStratumLine(step.line) : undefined;
    if (message?.kind !== "request" || message.method !== "mining.notify" || message.params.kind !== "list")
      continue;
    const [height = "", oprHash = ""] = message.params.values;
    return { height: Number(height), oprHash };
  }
  return undefined;
}

const SUBSCRIBED =
  /\{"type":"mining\.set_target","id":"([0-9a-f]{32})"\},\{"type":"mining\.set_nonce","id":"(\d+)"\}/;

function recordedSubscription(
  steps: readonly Step[],
  conn: number,
): { session: string; prefix: number } | undefined {
  for (const step of steps) {
    const match = step.kind === "server" && step.conn === conn ? SUBSCRIBED.exec(step.line) : null;
    if (match !== null) return { session: match[1] ?? "", prefix: Number(match[2]) };
  }
  return undefined;
}

function ourSession(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const match = SUBSCRIBED.exec(line);
    if (match !== null) return match[1];
  }
  return undefined;
}

function prefixesUsed(steps: readonly Step[]): number[] {
  const used = clientMessages(steps).flatMap((message) =>
    message.kind === "request" && message.method === "mining.submit" && message.params.kind === "list"
      ? [Number.parseInt((message.params.values[2] ?? "").slice(0, 8), 16)]
      : [],
  );
  return [...new Set(used)].filter((prefix) => Number.isInteger(prefix));
}

/** Answers with the targets that the recorded miner claimed: what a table too large for this test would give. Unknown inputs hash to zeros. */
export function recordedHasher(steps: readonly Step[]): Hasher {
  const claims = new Map<string, Uint8Array>();
  for (const message of clientMessages(steps)) {
    if (message.kind !== "request" || message.method !== "mining.submit" || message.params.kind !== "list")
      continue;
    const [, , nonce = "", oprHash = "", target = ""] = message.params.values;
    claims.set(oprHash + nonce, fromHex(target.padStart(16, "0") + "00".repeat(24)));
  }
  return {
    bits: 30,
    hash: async (inputs) => inputs.map((input) => claims.get(toHex(input)) ?? new Uint8Array(32)),
    canAcceptWork: () => true,
    close: async () => undefined,
  };
}
