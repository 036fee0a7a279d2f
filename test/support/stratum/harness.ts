/** A stratum server over in-memory streams, with a clock that the test moves and a backend that answers as told. */

import { duplexPair } from "node:stream";
import type {
  AuthorizeRequest,
  AuthorizeVerdict,
  Grant,
  GrantRequest,
  Holder,
  Job,
  Measured,
  ShareVerdict,
  StratumBackend,
  SubmittedShare,
} from "../../../edge/stratum/backend.ts";
import { type EndReason, NO_METRICS, type StratumMetrics } from "../../../edge/stratum/metrics.ts";
import { NO_ORDERS, type StratumOrders } from "../../../edge/stratum/orders.ts";
import { StratumServer } from "../../../edge/stratum/server.ts";
import type { StratumSettings } from "../../../edge/stratum/settings.ts";
import { SILENT } from "../../../shared/logger.ts";
import { manualClock } from "../manual-clock.ts";
import { RawClient } from "../raw-client.ts";

export const HASH_A = "aa".repeat(32);
export const HASH_B = "bb".repeat(32);

/** A verdict whose target, where it has none, is that of the prefix granted last. */
export type ScriptedVerdict =
  | { readonly kind: "accepted"; readonly target?: bigint }
  | Exclude<ShareVerdict, { kind: "accepted" }>;

/** Answers as its fields say, and remembers what it was asked. */
export class ScriptedBackend implements StratumBackend {
  job: (Omit<Job, "freshFrom"> & Partial<Pick<Job, "freshFrom">>) | undefined = {
    height: 1000,
    oprHash: HASH_A,
    threshold: 0n,
  };
  login: (request: AuthorizeRequest) => Promise<AuthorizeVerdict> = async () => ({
    kind: "ok",
    registered: false,
  });
  verdict: (share: SubmittedShare) => Promise<ScriptedVerdict> = async () => ({ kind: "accepted" });
  prefixesLeft = Number.POSITIVE_INFINITY;
  scarce = false;
  remembered: bigint | undefined;
  readonly logins: AuthorizeRequest[] = [];
  readonly shares: SubmittedShare[] = [];
  readonly granted: (GrantRequest & Grant)[] = [];
  readonly claimed: { prefix: number; holder: Holder }[] = [];
  readonly released: number[] = [];
  readonly measured: { prefix: number; where: Measured }[] = [];
  #next = 1;

  currentJob(): Job | undefined {
    return this.job === undefined ? undefined : { freshFrom: 0, ...this.job };
  }

  oprHashOf(height: number): string | undefined {
    return height === this.job?.height ? this.job.oprHash : undefined;
  }

  authorize(request: AuthorizeRequest): Promise<AuthorizeVerdict> {
    this.logins.push(request);
    return this.login(request);
  }

  async grantPrefix(request: GrantRequest): Promise<Grant | undefined> {
    this.prefixesLeft -= 1;
    if (this.prefixesLeft < 0) return undefined;
    this.#next += 1;
    const grant = { prefix: this.#next, target: request.target, serial: this.#next };
    this.granted.push({ ...request, ...grant });
    return grant;
  }

  async claimPrefix(prefix: number, holder: Holder): Promise<boolean> {
    this.claimed.push({ prefix, holder });
    return true;
  }

  releasePrefix(prefix: number): void {
    this.released.push(prefix);
  }

  measuredPrefix(prefix: number, where: Measured): void {
    this.measured.push({ prefix, where });
  }

  lastTarget(): bigint | undefined {
    return this.remembered;
  }

  prefixesAreScarce(): boolean {
    return this.scarce;
  }

  async submit(share: SubmittedShare): Promise<ShareVerdict> {
    this.shares.push(share);
    const verdict = await this.verdict(share);
    return verdict.kind === "accepted" ? { target: this.granted.at(-1)?.target ?? 0n, ...verdict } : verdict;
  }
}

/** Starts a server; `ends` are the reasons of the connections that ended or were refused, in order. */
export function startHarness(
  settings: Partial<StratumSettings> = {},
  metrics: Partial<StratumMetrics> = {},
  orders: StratumOrders = NO_ORDERS,
) {
  const clock = manualClock(5_000_000);
  const backend = new ScriptedBackend();
  const ends: EndReason[] = [];
  let counter = 0;
  const server = new StratumServer(settings, {
    backend,
    orders,
    clock,
    // Different every time, and the same in every run.
    random: (length) => Uint8Array.from({ length }, () => Math.imul(++counter, 2_654_435_761) >>> 24),
    logger: SILENT,
    metrics: { ...NO_METRICS, ...metrics, connectionEnded: (reason) => ends.push(reason) },
  });
  const connect = (address = "10.0.0.1"): RawClient => {
    const [ours, theirs] = duplexPair();
    server.accept(theirs, address);
    return new RawClient(ours);
  };
  /** A client that has subscribed and logged in; what it heard so far is dropped. */
  const miner = async (name = "user,rig", address?: string): Promise<RawClient> => {
    const client = connect(address);
    client.send(call(1, "mining.subscribe", "prosper/test") + call(2, "mining.authorize", name, "", "", ""));
    await client.fence();
    client.take();
    return client;
  };
  return { clock, backend, server, ends, connect, miner };
}

/** A request line. */
export function call(id: number, method: string, ...params: string[]): string {
  return `${JSON.stringify({ id, method, params })}\n`;
}

/** A share line of `user`, distinct by its id. */
export function share(id: number, user = "user"): string {
  const nonce = id.toString(16).padStart(18, "0");
  return call(id, "mining.submit", user, "1000", nonce, HASH_A, "ffffffffffffffff");
}

/** The methods of the server's own requests among the lines, in order. */
export function methods(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /"method":"([^"]+)"/.exec(line)?.[1] ?? []);
}
