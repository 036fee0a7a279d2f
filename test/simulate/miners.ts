/** Miners over sockets, with the bundled miner's own connection: honest ones who mine, reconnect and send twice, and thieves who send what others found, in any spelling. */

import { type PoolAnswer, PoolConnection } from "../../edge/miner/pool-connection.ts";
import type { SubmittedShare } from "../../edge/stratum/backend.ts";
import { concat, fromHex, toHex, u32ToBytes } from "../../shared/bytes.ts";
import { STRATUM_ERRORS } from "../../shared/messages/stratum.ts";
import type { SimEdge } from "./edge.ts";
import { type Attempt, CANARY, type Oracle } from "./oracle.ts";
import type { SimProcess } from "./process.ts";
import type { Chance } from "./random.ts";
import { difficultyOf, MOST_ATTEMPTS, targetOf } from "./shares.ts";
import { SimLine } from "./sockets.ts";
import type { SimTime } from "./time.ts";

export interface MinersModules {
  readonly time: SimTime;
  readonly chance: Chance;
  readonly oracle: Oracle;
  /** They live in a process that nobody kills. */
  readonly process: SimProcess;
  readonly edges: () => readonly SimEdge[];
  readonly guard: (work: () => void) => void;
}

interface Job {
  readonly height: number;
  readonly oprHash: string;
}

/** A nonce that somebody found, for those who send it again. */
interface Found {
  readonly job: Job;
  readonly nonce: Uint8Array;
}

/** A worker's connection to an edge. */
interface Session {
  readonly edge: SimEdge;
  readonly user: string;
  readonly worker: string;
  /** Of this connection alone: by it the edge's view of a share is matched with the miner's. */
  readonly address: string;
  readonly line: SimLine;
  connection: PoolConnection | undefined;
  isLoggedIn: boolean;
  isMining: boolean;
  prefix: number | undefined;
  job: Job | undefined;
  previous: Job | undefined;
  /** Counts up within a job, as a miner does. */
  counter: number;
}

const KEPT = 60;
const WORDS: ReadonlyMap<number, string> = new Map([
  [STRATUM_ERRORS.ErrorStaleShare, "stale"],
  [STRATUM_ERRORS.ErrorDuplicateShare, "duplicate"],
  [STRATUM_ERRORS.ErrorLowDifficulty, "low-difficulty"],
  [STRATUM_ERRORS.ErrorWrongPrefix, "wrong-prefix"],
  [STRATUM_ERRORS.ErrorWrongHash, "wrong-hash"],
  [STRATUM_ERRORS.ErrorBusy, "busy"],
]);

export class Miners {
  readonly #modules: MinersModules;
  readonly #found: Found[] = [];
  /** By user and worker. */
  readonly #sessions = new Map<string, Session>();
  /** Attempts on their way to an edge, in the order of their lines, by connection and text: equal lines stand for each other. */
  readonly #sent = new Map<string, Attempt[]>();
  #addresses = 0;
  #isOver = false;

  constructor(modules: MinersModules) {
    this.#modules = modules;
  }

  /** Mines as this worker from now on, about every `everyMs`. */
  start(user: string, worker: string, everyMs: number): void {
    const { time, chance, guard } = this.#modules;
    const again = (): void =>
      void time.after(chance.between(0.3, 1.7) * everyMs, () => {
        if (this.#isOver) return;
        guard(() => this.#tick(user, worker));
        again();
      });
    again();
  }

  stop(): void {
    this.#isOver = true;
  }

  /** For a while one of them does not read. */
  stickOne(untilMended: (mend: () => void) => void): void {
    const sessions = [...this.#sessions.values()];
    if (sessions.length === 0) return;
    const { minerEnd } = this.#modules.chance.pick(sessions).line;
    minerEnd.isStuck = true;
    untilMended(() => {
      minerEnd.isStuck = false;
      minerEnd.flow();
    });
  }

  /** The target by which this share's credit can be told; the edge asks once for each line. */
  assign(share: SubmittedShare): bigint {
    const attempt = this.#sent.get(lineKey(share.remoteAddress, share))?.shift();
    if (attempt === undefined) throw new Error("a share that no miner sent");
    return targetOf(attempt.index);
  }

  #tick(user: string, worker: string): void {
    const { chance } = this.#modules;
    const session = this.#sessions.get(`${user},${worker}`) ?? this.#connect(user, worker);
    if (session?.connection === undefined || !session.isLoggedIn) return;
    if (chance.hit(0.06)) {
      session.connection.end("the miner goes elsewhere");
      return;
    }
    const job = chance.hit(0.9) ? session.job : (session.previous ?? session.job);
    if (chance.hit(0.2)) this.#replay(session);
    else if (job !== undefined && (session.isMining || job === session.previous)) this.#mine(session, job);
  }

  #connect(user: string, worker: string): Session | undefined {
    const { chance, edges, process, time } = this.#modules;
    const up = edges().filter((edge) => edge.isUp && edge.process.alive);
    if (up.length === 0) return undefined;
    const edge = chance.pick(up);
    this.#addresses += 1;
    const address = `10.${(this.#addresses >> 16) & 255}.${(this.#addresses >> 8) & 255}.${this.#addresses & 255}`;
    const line = new SimLine(edge.process, process, { time, chance });
    const session: Session = {
      ...{ edge, user, worker, address, line, connection: undefined, isLoggedIn: false, isMining: false },
      ...{ prefix: undefined, job: undefined, previous: undefined, counter: 0 },
    };
    this.#sessions.set(`${user},${worker}`, session);
    session.connection = this.#open(session);
    edge.connect(line, address);
    const password = chance.pick([CANARY, CANARY, CANARY, "", `${CANARY}-wrong`]);
    session.connection.greet({ user, worker, password, invite: "", payoutAddress: "" });
    return session;
  }

  #open(session: Session): PoolConnection {
    const hooks = {
      onPrefix(prefix: number) {
        session.prefix = prefix;
      },
      onAuthorized() {
        session.isLoggedIn = true;
      },
      onRefused: () => session.connection?.end("refused"),
      /** A job that is announced is counted from zero, whether it was heard before or not. */
      onJob(height: number, oprHash: string) {
        if (session.job?.height !== height) session.previous = session.job;
        session.job = { height, oprHash };
        session.counter = 0;
        session.isMining = true;
      },
      onStop() {
        session.isMining = false;
      },
      onEnd: () => void this.#sessions.delete(`${session.user},${session.worker}`),
      ...{ onTarget: () => undefined, onMessage: () => undefined, onReconnect: () => undefined },
    };
    return new PoolConnection(session.line.minerEnd, "simulated", this.#modules.process, hooks);
  }

  /** The next nonce of the session, sometimes twice at once. */
  #mine(session: Session, job: Job): void {
    const { chance, oracle } = this.#modules;
    if (session.prefix === undefined) return;
    const nonce = concat(u32ToBytes(session.prefix), Uint8Array.of(session.counter++ & 0xff));
    const isFirst = oracle.isFirst(job.height, toHex(nonce), session.user, session.worker);
    // A restart may give a prefix out again of which the journal knows no share, where there are few.
    const isFresh = isFirst && session.edge.restarts === 0;
    const found = { job, nonce };
    this.#found.push(found);
    if (this.#found.length > KEPT) this.#found.shift();
    this.#submit(session, found, isFresh);
    if (chance.hit(0.1)) this.#submit(session, found, false);
  }

  /** What was found before, by anyone, on whatever edge this session is. */
  #replay(session: Session): void {
    const { chance } = this.#modules;
    if (this.#found.length === 0) return;
    const found = chance.hit(0.5) ? this.#found.at(-1) : chance.pick(this.#found);
    if (found !== undefined) this.#submit(session, found, false);
  }

  #submit(session: Session, { job, nonce }: Found, isFresh: boolean): void {
    const { chance, oracle, guard } = this.#modules;
    const { user, worker, address, edge, connection } = session;
    const index = oracle.countOf(job.height, user, worker);
    if (index > MOST_ATTEMPTS || connection === undefined) return;
    const attempt: Attempt = {
      ...{ job: job.height, user, worker, index, nonce: toHex(nonce), isFresh },
      ...{ credited: false, acked: false },
    };
    oracle.begin(attempt);
    const difficulty = difficultyOf(concat(fromHex(job.oprHash), nonce));
    const lies = !isFresh && chance.hit(0.1);
    const line = {
      jobId: String(job.height),
      nonce: spelling(toHex(nonce), chance),
      target: (lies ? difficulty - 1n : difficulty).toString(16),
    };
    const key = lineKey(address, line);
    const sent = this.#sent.get(key) ?? [];
    this.#sent.set(key, [...sent, attempt]);
    void connection
      .request("mining.submit", [user, line.jobId, line.nonce, job.oprHash, line.target])
      .then((answer) => {
        // An answer without the edge's having asked for it: the line was refused before that.
        if (answer !== undefined) this.#forget(key, attempt);
        guard(() => oracle.verdict(attempt, wordOf(answer), edge.id));
      });
  }

  #forget(key: string, attempt: Attempt): void {
    const left = this.#sent.get(key)?.filter((one) => one !== attempt) ?? [];
    if (left.length === 0) this.#sent.delete(key);
    else this.#sent.set(key, left);
  }
}

/** The texts as they stand on the wire. */
function lineKey(
  address: string,
  { jobId, nonce, target }: Pick<SubmittedShare, "jobId" | "nonce" | "target">,
): string {
  return `${address} ${jobId} ${nonce} ${target}`;
}

/** Hex in any case. */
function spelling(hex: string, chance: Chance): string {
  if (chance.hit(0.6)) return hex;
  return [...hex].map((digit) => (chance.hit(0.5) ? digit.toUpperCase() : digit)).join("");
}

function wordOf(answer: PoolAnswer | undefined): string {
  if (answer === undefined) return "unanswered";
  if (answer.result === true) return "accepted";
  return WORDS.get(answer.error?.code ?? 0) ?? `error ${answer.error?.code}`;
}
