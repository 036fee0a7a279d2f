/** Miners: honest ones who mine, reconnect and send twice, and thieves who send what others found, in any spelling. */

import type { ShareVerdict } from "../../edge/stratum/backend.ts";
import { concat, fromHex, toHex, u32ToBytes } from "../../shared/bytes.ts";
import type { JobRow } from "../../shared/db/jobs.ts";
import type { Session, SimEdge } from "./edge.ts";
import { type Attempt, CANARY, type Oracle } from "./oracle.ts";
import type { Chance } from "./random.ts";
import { difficultyOf, MOST_ATTEMPTS, targetOf } from "./shares.ts";
import type { SimTime } from "./time.ts";

export interface MinersModules {
  readonly time: SimTime;
  readonly chance: Chance;
  readonly oracle: Oracle;
  readonly edges: () => readonly SimEdge[];
  /** Who has a slot, by the database's word. */
  readonly guard: (work: () => void) => void;
}

/** A nonce that somebody found, for those who send it again. */
interface Found {
  readonly job: JobRow;
  readonly nonce: Uint8Array;
  readonly prefix: number;
}

const KEPT = 60;

export class Miners {
  readonly #modules: MinersModules;
  readonly #found: Found[] = [];
  /** By user and worker. */
  readonly #sessions = new Map<string, Session>();
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

  #tick(user: string, worker: string): void {
    const { chance } = this.#modules;
    const known = this.#sessions.get(`${user},${worker}`);
    const session = known?.edge.process.alive && known.edge.isUp ? known : this.#connect(user, worker);
    if (session === undefined) return;
    if (chance.hit(0.06)) {
      session.edge.process.deliver(() => this.#disconnect(session));
      return;
    }
    const { edge } = session;
    const job = chance.hit(0.9) ? (edge.job ?? edge.lastJob) : edge.lastJob;
    if (chance.hit(0.2)) this.#replay(session);
    else if (job !== undefined) this.#mine(session, job);
  }

  #connect(user: string, worker: string): Session | undefined {
    const { chance, oracle, edges } = this.#modules;
    const up = edges().filter((edge) => edge.isUp && edge.process.alive && !edge.process.paused);
    if (up.length === 0) return undefined;
    const edge = chance.pick(up);
    if (chance.hit(0.3)) this.#authorize(edge, user, worker);
    const prefix = edge.desk.leasePrefix();
    if (prefix === undefined) return undefined;
    const live = edges().flatMap((other) =>
      other.process.alive && other.desk.stats()?.leaseHeld === true && edge.desk.stats()?.leaseHeld === true
        ? [...other.sessions].map((session) => session.prefix)
        : [],
    );
    oracle.leased(prefix, live);
    const session: Session = { edge, user, worker, prefix, counter: 0, countedJob: undefined };
    edge.sessions.add(session);
    this.#sessions.set(`${user},${worker}`, session);
    return session;
  }

  #authorize(edge: SimEdge, user: string, worker: string): void {
    const password = this.#modules.chance.hit(0.5) ? CANARY : `${CANARY}-wrong`;
    const request = { user, worker, password, invite: "", payoutAddress: "", remoteAddress: "", agent: "" };
    edge.accounts.authorize(request).catch(() => undefined);
  }

  #disconnect(session: Session): void {
    const { edge, user, worker, prefix } = session;
    edge.sessions.delete(session);
    this.#sessions.delete(`${user},${worker}`);
    edge.desk.releasePrefix(prefix, { user, worker });
  }

  /** The next nonce of the session, sometimes twice at once. */
  #mine(session: Session, job: JobRow): void {
    const { chance, oracle } = this.#modules;
    if (session.countedJob !== job.height) session.counter = 0;
    session.countedJob = job.height;
    const nonce = concat(u32ToBytes(session.prefix), Uint8Array.of(session.counter++ & 0xff));
    const isFirst = oracle.isFirst(job.height, toHex(nonce), session.user, session.worker);
    const isFresh = isFirst && this.#isHonest(session);
    const found = { job, nonce, prefix: session.prefix };
    this.#found.push(found);
    if (this.#found.length > KEPT) this.#found.shift();
    this.#submit(session, found, isFresh);
    if (chance.hit(0.1)) this.#submit(session, found, false);
  }

  /** A restart may give a prefix out again of which the journal knows no share, where there are few. */
  #isHonest({ edge }: Session): boolean {
    return edge.restarts === 0;
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
    const { edge, user, worker, prefix } = session;
    const index = oracle.countOf(job.height, user, worker);
    if (index > MOST_ATTEMPTS) return;
    const attempt: Attempt = {
      ...{ job: job.height, user, worker, index, nonce: toHex(nonce), isFresh },
      ...{ credited: false, acked: false },
    };
    oracle.begin(attempt);
    const difficulty = difficultyOf(concat(fromHex(job.oprHash), nonce));
    const lies = !isFresh && chance.hit(0.1);
    edge.process.deliver(() => {
      // It may have been refused a session, or killed, while the line waited.
      const slot = edge.desk.grant()?.slot;
      const verdict = edge.desk.submit({
        ...{ user, worker, sessionId: "s", remoteAddress: "127.0.0.1", jobId: String(job.height) },
        nonce: spelling(toHex(nonce), chance),
        oprHash: job.oprHash,
        target: (lies ? difficulty - 1n : difficulty).toString(16),
        assigned: targetOf(index),
        readAtMs: edge.process.clock.monotonicMs(),
        prefixes: [prefix],
      });
      verdict.then(
        (said) => {
          if (edge.process.alive) guard(() => oracle.verdict(attempt, wordOf(said), { id: edge.id, slot }));
        },
        () => undefined,
      );
    });
  }
}

/** Hex in any case. */
function spelling(hex: string, chance: Chance): string {
  if (chance.hit(0.6)) return hex;
  return [...hex].map((digit) => (chance.hit(0.5) ? digit.toUpperCase() : digit)).join("");
}

function wordOf(verdict: ShareVerdict): string {
  return verdict.kind === "refused" ? verdict.code : verdict.kind;
}
