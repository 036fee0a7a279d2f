/**
 * Miners who want more than their hashes are worth: several sessions each, hits kept and sent where another target is in force, wishes, hashes under
 * prefixes that they guess, had before or had as nobody, and hashes after the stop. The oracle knows what they made and were told.
 */

import { toHex } from "../../../shared/bytes.ts";
import { assignedWork, targetOfWork } from "../../../shared/difficulty/work.ts";
import { CANARY } from "./canary.ts";
import { Client, type Job } from "./client.ts";
import type { Miners, MinersModules } from "./miners.ts";
import { type Hit, Rig } from "./rig.ts";
import { difficultyOf } from "./shares.ts";

/** A prefix that was told to it once, by this edge. */
interface Place {
  readonly edgeId: string;
  readonly prefix: number;
}

interface Cheat {
  readonly rig: Rig;
  clients: Client[];
  places: Place[];
  /** Newest last. */
  jobs: Job[];
  hits: Hit[];
}

const HASHES = 48;
const EASIEST = targetOfWork(16n);
const MOST_SESSIONS = 3;
const KEPT_PLACES = 12;
const KEPT_JOBS = 3;
const KEPT_HITS = 300;
/** Shares sent at once. */
const VOLLEY = 8;

export class Cheats {
  readonly #miners: Miners;
  readonly #modules: MinersModules;

  /** They take turns as `miners` do. */
  constructor(miners: Miners, modules: MinersModules) {
    this.#miners = miners;
    this.#modules = modules;
  }

  start(user: string, worker: string, everyMs: number): void {
    const rig = new Rig({ user, worker, credit: "assigned" }, this.#modules.oracle);
    const cheat: Cheat = { rig, clients: [], places: [], jobs: [], hits: [] };
    this.#miners.repeat(everyMs, () => this.#turn(cheat));
  }

  #turn(cheat: Cheat): void {
    const { chance } = this.#modules;
    if (cheat.clients.length < MOST_SESSIONS && chance.hit(0.4)) this.#connect(cheat);
    for (const client of cheat.clients) learn(cheat, client);
    for (const client of cheat.clients) this.#play(client);
    this.#hash(cheat);
    this.#send(cheat);
  }

  #connect(cheat: Cheat): void {
    const { chance, edges } = this.#modules;
    const up = edges().filter((edge) => edge.isUp && edge.process.alive);
    if (up.length === 0) return;
    const { user, worker } = cheat.rig;
    const options = { edge: chance.pick(up), user, worker, address: this.#miners.address() };
    const client: Client = new Client(options, this.#modules, () => {
      cheat.clients = cheat.clients.filter((one) => one !== client);
    });
    cheat.clients.push(client);
    if (chance.hit(0.3)) client.subscribe();
    else client.greet(CANARY);
  }

  /** Goes, comes as another, wishes. */
  #play(client: Client): void {
    const { chance } = this.#modules;
    if (chance.hit(0.05)) client.end("it was unlucky");
    else if (!client.isLoggedIn && client.prefix !== undefined && chance.hit(0.2)) client.logIn(CANARY);
    else if (client.isLoggedIn && chance.hit(0.2))
      client.wish(targetOfWork(1n << BigInt(chance.whole(4, 10))));
  }

  /** As it is told to, or under any prefix that it knows or guesses, for any job that it knows. */
  #hash(cheat: Cheat): void {
    const { chance } = this.#modules;
    const told = cheat.clients.flatMap(({ present, edge }) =>
      present === undefined ? [] : { ...present, edge },
    );
    if (told.length > 0 && chance.hit(0.5)) {
      const { edge, ...work } = chance.pick(told);
      this.#keep(cheat, cheat.rig.make(edge.id, work, HASHES, EASIEST));
      return;
    }
    if (cheat.jobs.length === 0 || cheat.places.length === 0) return;
    const job = chance.hit(0.3) ? chance.pick(cheat.jobs) : (cheat.jobs.at(-1) ?? chance.pick(cheat.jobs));
    const { edgeId, prefix } = chance.pick(cheat.places);
    const guess = chance.hit(0.3) ? prefix + chance.whole(1, 3) : prefix;
    this.#keep(cheat, cheat.rig.make(edgeId, { job, prefix: guess, target: EASIEST }, HASHES, EASIEST));
  }

  #keep(cheat: Cheat, hits: readonly Hit[]): void {
    cheat.hits = [...cheat.hits, ...hits].slice(-KEPT_HITS);
  }

  /** Hits that reach the session's target and not much more; now and then, and when the job is stopped, any. */
  #send(cheat: Cheat): void {
    const { chance } = this.#modules;
    const clients = cheat.clients.filter(({ isLoggedIn }) => isLoggedIn);
    if (clients.length === 0 || chance.hit(0.3)) return;
    const client = chance.pick(clients);
    const least = assignedWork(client.target);
    const isAny = !client.isMining || chance.hit(0.15);
    const fitting = cheat.hits.filter(
      ({ luck, edgeId }) => edgeId === client.edge.id && (isAny || (luck >= least && luck < 4n * least)),
    );
    for (const hit of fitting.slice(-VOLLEY)) this.#submit(cheat, client, hit);
  }

  #submit(cheat: Cheat, client: Client, hit: Hit): void {
    const { oracle, guard } = this.#modules;
    const { find, job, nonce } = hit;
    oracle.sent(find, true);
    void client.submit(String(job.height), toHex(nonce), job.oprHash, difficultyOf(nonce)).then((word) =>
      guard(() => {
        oracle.verdict(find, false, word, client.edge.id);
        if (["accepted", "duplicate", "stale"].includes(word))
          cheat.hits = cheat.hits.filter((one) => one !== hit);
      }),
    );
  }
}

function learn(cheat: Cheat, { edge, prefix, job }: Client): void {
  if (prefix !== undefined && !cheat.places.some((one) => one.prefix === prefix && one.edgeId === edge.id))
    cheat.places = [...cheat.places, { edgeId: edge.id, prefix }].slice(-KEPT_PLACES);
  if (job !== undefined && !cheat.jobs.some(({ oprHash }) => oprHash === job.oprHash))
    cheat.jobs = [...cheat.jobs, job].slice(-KEPT_JOBS);
}
