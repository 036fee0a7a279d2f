/** Miners over sockets: honest ones who mine, reconnect and send again what had no answer, and thieves who send what others found, in any spelling. */

import { toHex } from "../../../shared/bytes.ts";
import { type CreditMode, targetOfWork } from "../../../shared/difficulty/work.ts";
import type { Chance } from "../../support/random.ts";
import { CANARY } from "./canary.ts";
import { Client, type ClientModules } from "./client.ts";
import type { SimEdge } from "./edge.ts";
import type { Oracle } from "./oracle.ts";
import { type Hit, Rig } from "./rig.ts";
import { difficultyOf } from "./shares.ts";

export interface MinersModules extends ClientModules {
  readonly oracle: Oracle;
  readonly edges: () => readonly SimEdge[];
}

/** A worker, on whatever connection. */
interface Miner {
  readonly rig: Rig;
  client: Client | undefined;
  /** Sent, and not answered before the connection ended. */
  lost: Hit[];
}

/** Hashes of one turn. */
const HASHES = 48;
const KEPT = 60;
/** Hits without an answer that are kept. */
const MOST_LOST = 40;

export class Miners {
  readonly #credit: CreditMode;
  readonly #modules: MinersModules;
  readonly #found: Hit[] = [];
  readonly #miners: Miner[] = [];
  #addresses = 0;
  #isOver = false;

  constructor(credit: CreditMode, modules: MinersModules) {
    this.#credit = credit;
    this.#modules = modules;
  }

  /** Mines as this worker from now on, about every `everyMs`. */
  start(user: string, worker: string, everyMs: number): void {
    const rig = new Rig({ user, worker, credit: this.#credit }, this.#modules.oracle);
    const miner: Miner = { rig, client: undefined, lost: [] };
    this.#miners.push(miner);
    this.repeat(everyMs, () => this.#turn(miner));
  }

  /** Has somebody take turns until mining is over. */
  repeat(everyMs: number, turn: () => void): void {
    const { time, chance, guard } = this.#modules;
    const again = (): void =>
      void time.after(chance.between(0.3, 1.7) * everyMs, () => {
        if (this.#isOver) return;
        guard(turn);
        again();
      });
    again();
  }

  /** An address that no other connection has. */
  address(): string {
    this.#addresses += 1;
    return `10.${(this.#addresses >> 16) & 255}.${(this.#addresses >> 8) & 255}.${this.#addresses & 255}`;
  }

  stop(): void {
    this.#isOver = true;
  }

  /** For a while one of them does not read. */
  stickOne(untilMended: (mend: () => void) => void): void {
    const clients = this.#miners.flatMap(({ client }) => client ?? []);
    if (clients.length === 0) return;
    const { minerEnd } = this.#modules.chance.pick(clients).line;
    minerEnd.isStuck = true;
    untilMended(() => {
      minerEnd.isStuck = false;
      minerEnd.flow();
    });
  }

  #turn(miner: Miner): void {
    const { chance } = this.#modules;
    const client = miner.client ?? this.#connect(miner);
    if (client?.isLoggedIn !== true) return;
    if (chance.hit(0.06)) {
      client.end("the miner goes elsewhere");
      return;
    }
    this.#sendAgain(miner, client);
    if (this.#credit === "assigned" && chance.hit(0.04))
      client.wish(targetOfWork(1n << BigInt(chance.whole(4, 8))));
    if (chance.hit(0.2)) this.#replay(client);
    else this.#mine(miner, client);
  }

  #connect(miner: Miner): Client | undefined {
    const { chance, edges } = this.#modules;
    const up = edges().filter((edge) => edge.isUp && edge.process.alive);
    if (up.length === 0) return undefined;
    const { user, worker } = miner.rig;
    const options = { edge: chance.pick(up), user, worker, address: this.address() };
    const client: Client = new Client(options, this.#modules, () => {
      if (miner.client === client) miner.client = undefined;
    });
    miner.client = client;
    client.greet(chance.pick([CANARY, CANARY, CANARY, "", `${CANARY}-wrong`]));
    return client;
  }

  /** What the session is told to do, or a last share of the job before. */
  #mine(miner: Miner, client: Client): void {
    const { chance } = this.#modules;
    const { previous, present } = client;
    const work = chance.hit(0.1) ? (previous ?? present) : present;
    if (work === undefined) return;
    for (const hit of miner.rig.make(client.edge.id, work, HASHES, work.target)) {
      this.#found.push(hit);
      if (this.#found.length > KEPT) this.#found.shift();
      this.#sendOwn(miner, client, hit);
      if (chance.hit(0.1)) this.#send(client, hit, false);
    }
  }

  /** What an earlier connection to this edge left without an answer is sent once more. */
  #sendAgain(miner: Miner, client: Client): void {
    const again = miner.lost.filter(({ edgeId }) => edgeId === client.edge.id);
    miner.lost = miner.lost.filter(({ edgeId }) => edgeId !== client.edge.id);
    for (const hit of again) this.#sendOwn(miner, client, hit);
  }

  #sendOwn(miner: Miner, client: Client, hit: Hit): void {
    this.#send(client, hit, hit.isTold, (word) => {
      if (word === "unanswered" && miner.lost.length < MOST_LOST) miner.lost.push(hit);
    });
  }

  /** What was found before, by anyone, on whatever edge this session is. */
  #replay(client: Client): void {
    const { chance } = this.#modules;
    if (this.#found.length === 0) return;
    const hit = chance.hit(0.5) ? this.#found.at(-1) : chance.pick(this.#found);
    if (hit !== undefined) this.#send(client, hit, false);
  }

  /** `isOwn`: the worker's own, sent as it should be. */
  #send(client: Client, hit: Hit, isOwn: boolean, onWord?: (word: string) => void): void {
    const { chance, oracle, guard } = this.#modules;
    const { find, job } = hit;
    const reached = difficultyOf(hit.nonce);
    const lies = !isOwn && reached > 0n && chance.hit(0.1);
    oracle.sent(find, !lies);
    const nonce = spelling(toHex(hit.nonce), chance);
    void client.submit(String(job.height), nonce, job.oprHash, lies ? reached - 1n : reached).then((word) =>
      guard(() => {
        oracle.verdict(find, isOwn, word, client.edge.id);
        onWord?.(word);
      }),
    );
  }
}

/** Hex in any case. */
export function spelling(hex: string, chance: Chance): string {
  if (chance.hit(0.6)) return hex;
  return [...hex].map((digit) => (chance.hit(0.5) ? digit.toUpperCase() : digit)).join("");
}
