/** All connections of the load generator. Shares are made beforehand, for the job and the prefix that each client was told; sending them is all that is measured. */

import { setTimeout as pause } from "node:timers/promises";
import { concat, fromHex, toHex, u32ToBytes } from "../../../shared/bytes.ts";
import { LxrKernel } from "../../../shared/hash/kernel.ts";
import { openTable } from "../../../shared/hash/open-table.ts";
import { claimRegion } from "../../../shared/hash/shared-table.ts";
import { SILENT } from "../../../shared/logger.ts";
import { Link } from "./link.ts";
import type { Calls, Connecting, Flooding, Heard, Joined, Mining, Outcome, Pacing } from "./protocol.ts";

const OPENING = 100;
const PATIENCE_MS = 60_000;
/** A share may cost so many hashes at most, or making them would take longer than sending them. */
const MOST_HASHES = 4_096n;
const SEARCHED = 1_024;

/** What a client mines with: the first pair that it was told in a job, which stays good as long as the job. */
interface Claim {
  readonly prefix: number;
  readonly target: bigint;
  readonly job: { readonly id: string; readonly oprHash: string };
  counter: number;
  nextId: number;
  /** Not sent yet. */
  lines: string[];
}

export class Swarm implements Calls {
  readonly #links: Link[] = [];
  readonly #claims = new Map<Link, Claim>();
  #user = "";
  #wish: string | undefined;
  #kernel: LxrKernel | undefined;
  #failure: Error | undefined;

  async connect(options: Connecting): Promise<Joined> {
    const { opening = OPENING } = options;
    this.#user = options.user;
    const own: Link[] = [];
    let under: Link[] = [];
    const sinceStart = stopwatch();
    for (let i = 0; i < options.clients; i++) {
      await this.#until("logins", () => {
        if (under.length >= opening) under = under.filter(({ isIn }) => !isIn);
        return under.length < opening;
      });
      const registration = this.#links.length === 0 ? options.registration : ["", "", ""];
      const link = new Link(options.port, greetingOf(`${this.#user},rig${this.#links.length}`, registration));
      link.onLost = (error) => {
        this.#failure ??= error;
      };
      this.#links.push(link);
      own.push(link);
      under.push(link);
      if (i === 0) await this.#until("the first login", () => link.isIn);
    }
    await this.#until("all logins and a job", () => own.every(({ isIn, job }) => isIn && job !== undefined));
    const joined = sinceStart();
    this.#wish = options.wish;
    await this.#wishAgain(own);
    return joined;
  }

  async mine({ bits, each }: Mining): Promise<void> {
    if (this.#kernel === undefined) {
      const table = await openTable({ bits, logger: SILENT });
      this.#kernel = new LxrKernel(table, claimRegion(table));
    }
    await this.#until("a job", () => this.#links.every(({ job }) => job !== undefined));
    // Targets have risen with the shares of the job before.
    const late = this.#links.filter((link) => this.#claims.get(link)?.job.id !== link.job?.id);
    await this.#wishAgain(late);
    for (const link of this.#links) {
      const claim = this.#claimOf(link);
      while (claim.lines.length < each) this.#search(this.#kernel, claim, each);
      // What the server says meanwhile is read in between.
      await pause(0);
    }
  }

  async flood({ inFlight }: Flooding): Promise<Outcome> {
    return this.#submit(() => {
      for (const [link, claim] of this.#claims) {
        const sendNext = (count: number): void => {
          if (claim.lines.length > 0) link.send(claim.lines.splice(-count).join(""));
        };
        link.onAnswers = sendNext;
        sendNext(inFlight);
      }
    });
  }

  async pace({ perSecond }: Pacing): Promise<Outcome> {
    const waits: number[] = [];
    const claims = [...this.#claims];
    const outcome = await this.#submit(async () => {
      const sent = new Map(claims.map(([link]) => [link, [] as number[]]));
      for (const [link] of claims)
        link.onAnswers = (count) => {
          const nowMs = performance.now();
          for (const sentMs of sent.get(link)?.splice(0, count) ?? []) waits.push(nowMs - sentMs);
        };
      const startMs = performance.now();
      const total = claims.reduce((sum, [, { lines }]) => sum + lines.length, 0);
      for (let n = 0; n < total; n++) {
        const dueMs = startMs + (n * 1000) / perSecond;
        while (performance.now() < dueMs) await pause(1);
        const [link, claim] = claims[n % claims.length] ?? [];
        const line = claim?.lines.pop();
        if (link === undefined || line === undefined) continue;
        sent.get(link)?.push(performance.now());
        link.send(line);
      }
    });
    return { ...outcome, waits };
  }

  async listen(): Promise<void> {
    for (const link of this.#links) link.heardMs = undefined;
  }

  async heard(): Promise<Heard> {
    await this.#until("a job at every client", () =>
      this.#links.every(({ heardMs }) => heardMs !== undefined),
    );
    return this.#links.map(({ heardMs = Number.NaN }) => heardMs);
  }

  async #wishAgain(links: readonly Link[]): Promise<void> {
    const wish = this.#wish;
    if (wish === undefined) return;
    const wished = BigInt(`0x${wish}`);
    const isEasy = ({ target }: Link): boolean => target !== undefined && target <= wished;
    for (const link of links)
      if (!isEasy(link)) link.send(`{"id":3,"method":"mining.suggest_target","params":["${wish}"]}\n`);
    await this.#until(`a target of ${wish} at most`, () => links.every(isEasy));
  }

  /** Until every share that was made is answered. */
  async #submit(send: () => void | Promise<void>): Promise<Outcome> {
    const links = [...this.#claims.keys()];
    const sum = (of: (link: Link) => number): number => links.reduce((total, link) => total + of(link), 0);
    const shares = [...this.#claims.values()].reduce((total, { lines }) => total + lines.length, 0);
    const answered = sum((link) => link.answered) + shares;
    const accepted = sum((link) => link.accepted);
    for (const { refusals } of links) refusals.length = 0;
    const sinceStart = stopwatch();
    await send();
    await this.#until("every answer", () => sum((link) => link.answered) >= answered);
    const took = sinceStart();
    return {
      ...took,
      accepted: sum((link) => link.accepted) - accepted,
      refusals: links.flatMap(({ refusals }) => refusals).slice(0, 3),
      isStale: [...this.#claims].some(([link, { job }]) => link.job?.id !== job.id),
      waits: [],
    };
  }

  #claimOf(link: Link): Claim {
    const { job, prefix, target } = link;
    const old = this.#claims.get(link);
    if (old !== undefined && old.job.id === job?.id) return old;
    if (job === undefined || prefix === undefined || target === undefined)
      throw new Error("expected a job, a prefix and a target of the server before mining");
    const hashes = 2n ** 64n / (2n ** 64n - target);
    if (hashes > MOST_HASHES)
      throw new Error(`expected a target of at most ${MOST_HASHES} hashes a share, got one of ${hashes}`);
    const claim = { job, prefix, target, counter: 0, nextId: old?.nextId ?? 10, lines: [] };
    this.#claims.set(link, claim);
    return claim;
  }

  #search(kernel: LxrKernel, claim: Claim, each: number): void {
    const head = u32ToBytes(claim.prefix);
    const { id, oprHash } = claim.job;
    const prefix = concat(fromHex(oprHash), head);
    const start = claim.counter;
    claim.counter += SEARCHED;
    kernel.search({ prefix, start, suffixBytes: 4, count: SEARCHED }).forEach((difficulty, i) => {
      if (difficulty < claim.target || claim.lines.length >= each) return;
      const nonce = toHex(concat(head, u32ToBytes(start + i)));
      const params = [this.#user, id, nonce, oprHash, difficulty.toString(16)];
      claim.lines.push(`${JSON.stringify({ id: claim.nextId++, method: "mining.submit", params })}\n`);
    });
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      if (this.#failure !== undefined) throw this.#failure;
      if (performance.now() > untilMs) throw new Error(`expected ${what} within ${PATIENCE_MS / 1000} s`);
      await pause(2);
    }
  }
}

/** The seconds from this call to the other one, and this process's CPU in them. */
function stopwatch(): () => Joined {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  return () => {
    const seconds = (performance.now() - startMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { seconds, cpuPercent: (user + system) / 10_000 / seconds };
  };
}

function greetingOf(login: string, registration: readonly string[]): string {
  const authorize = { id: 2, method: "mining.authorize", params: [login, ...registration] };
  return `{"id":1,"method":"mining.subscribe","params":["bench"]}\n${JSON.stringify(authorize)}\n`;
}
