/**
 * What each edge told its miners, as somebody beside them saw it: which prefixes, at which targets, and when to mine. By it a hash counts or not
 * (docs/design.md, "What is told and what is paid end together").
 */

import { Violation } from "./violation.ts";

/** A prefix as it was last told by an edge. */
interface Told {
  /** User and worker; undefined before the login. */
  holder: string | undefined;
  readonly target: bigint;
  readonly serial: number;
  /** Sessions gave it back: the newest job in which it was held. Undefined while one has it. */
  heldThrough: number | undefined;
  /** Its shares of a later job count for nothing. A killed edge may have had the next job on record already. */
  goodThrough: number;
}

/** From when on, and from which prefix on, a job goes on that was stopped. */
export interface Resumption {
  readonly fromMs: number;
  readonly firstSerial: number;
}

/** An edge told its miners to mine this job from `fromMs` to `toMs`, under prefixes of these serials. */
interface Stretch extends Resumption {
  readonly job: number;
  toMs: number;
  lastSerial: number;
  /** The process that mined it ended. */
  hasDied: boolean;
}

const EVER = Number.POSITIVE_INFINITY;

export class ToldLedger {
  readonly #nowMs: () => number;
  readonly #lateMs: number;
  readonly #isStrict: boolean;
  /** By edge and prefix. */
  readonly #told = new Map<string, Told>();
  /** By edge, in the order of time. */
  readonly #stretches = new Map<string, Stretch[]>();
  /** Jobs of which a killed edge forgot that it had stopped them. */
  readonly #forgotten = new Set<number>();
  #serial = 0;

  /** `isStrict`: false where two edges have one identity, of which neither knows what the other told. */
  constructor(options: {
    readonly nowMs: () => number;
    readonly lateMs: number;
    readonly isStrict: boolean;
  }) {
    this.#nowMs = options.nowMs;
    this.#lateMs = options.lateMs;
    this.#isStrict = options.isStrict;
  }

  /** An edge is asked for a prefix: its place in the order, which decides whether it is one of before a stop or after. */
  asked(): number {
    this.#serial += 1;
    return this.#serial;
  }

  /** Throws Violation where somebody may still hash under it in a job that takes shares. */
  granted(edgeId: string, prefix: number, fresh: Pick<Told, "target" | "holder" | "serial">): void {
    const before = this.#told.get(key(edgeId, prefix));
    if (this.#isStrict && before !== undefined && this.#isHeld(edgeId, before))
      throw new Violation(`I6: prefix ${prefix} was told again while job ${before.heldThrough} was open`);
    this.#told.set(key(edgeId, prefix), { ...fresh, heldThrough: undefined, goodThrough: EVER });
  }

  claimed(edgeId: string, prefix: number, holder: string): void {
    const told = this.#told.get(key(edgeId, prefix));
    if (told !== undefined) told.holder = holder;
  }

  /** `job`: whose shares the edge takes now. */
  released(edgeId: string, prefix: number, job: number | undefined): void {
    const told = this.#told.get(key(edgeId, prefix));
    if (told === undefined || told.heldThrough !== undefined) return;
    // Since its start the edge had no job that anybody could have been told to mine.
    const newest = this.#of(edgeId).at(-1)?.hasDied === true ? -1 : this.#newestJob(edgeId);
    told.heldThrough = Math.max(newest, job ?? -1);
    // While none was open it rests until the next one is over, and is good for that one too.
    told.goodThrough = job === undefined ? EVER : told.heldThrough;
  }

  /** The edge's process ended; its miners were told nothing. */
  died(edgeId: string): void {
    // A restart goes on with the newest job alone, whatever late time an earlier one had left.
    for (const stretch of this.#of(edgeId)) stretch.hasDied = true;
    for (const [at, told] of this.#told)
      if (at.startsWith(`${edgeId} `) && told.heldThrough === undefined) {
        told.heldThrough = this.#newestJob(edgeId);
        told.goodThrough = told.heldThrough + 1;
      }
  }

  /** What `mines` is told of a job that goes on after a stop: taken when the edge begins to. */
  resumption(): Resumption {
    return { fromMs: this.#nowMs(), firstSerial: this.#serial + 1 };
  }

  /** The edge takes shares of this job; `resumed`: it had stopped it. */
  mines(edgeId: string, job: number, resumed?: Resumption): void {
    for (const [at, told] of this.#told)
      if (at.startsWith(`${edgeId} `) && told.heldThrough !== undefined && told.goodThrough === EVER)
        told.goodThrough = job;
    const stretches = this.#of(edgeId);
    const last = stretches.at(-1);
    if (last?.job === job && resumed === undefined) {
      last.hasDied = false;
      if (last.toMs === EVER) return;
      // Its stop was not on record when the process ended.
      this.#forgotten.add(job);
      last.toMs = EVER;
      last.lastSerial = EVER;
      return;
    }
    // Nobody will say any more when it was over.
    if (last?.hasDied === true && last.toMs === EVER) last.toMs = -EVER;
    this.stops(edgeId);
    // A new job is told by one edge before another; under any prefix it is honest work.
    const from = last?.job === job ? resumed : undefined;
    stretches.push({
      ...{ job, fromMs: from?.fromMs ?? -EVER, firstSerial: from?.firstSerial ?? 0 },
      ...{ toMs: EVER, lastSerial: EVER, hasDied: false },
    });
  }

  /** The edge told its miners to stop. */
  stops(edgeId: string): void {
    const last = this.#of(edgeId).at(-1);
    if (last === undefined || last.toMs !== EVER) return;
    last.toMs = this.#nowMs();
    last.lastSerial = this.#serial;
  }

  /** Whether a hash that this worker makes now counts for it. */
  isTold(edgeId: string, prefix: number, holder: string, job: number): boolean {
    const told = this.#told.get(key(edgeId, prefix));
    if (told === undefined || (told.holder ?? holder) !== holder || job > told.goodThrough) return false;
    const own = this.#of(edgeId).filter((stretch) => stretch.job === job);
    // Where this edge is behind, another one tells it: the prefix is good for it here all the same.
    const isAhead = own.length === 0 && [...this.#stretches.values()].flat().some((one) => one.job === job);
    const nowMs = this.#nowMs();
    return (
      isAhead ||
      own.some(
        ({ fromMs, toMs, firstSerial, lastSerial }) =>
          nowMs >= fromMs &&
          nowMs <= toMs + this.#lateMs &&
          told.serial >= firstSerial &&
          told.serial <= lastSerial,
      )
    );
  }

  /** Of a prefix that this edge told; undefined where it never did. */
  targetOf(edgeId: string, prefix: number): bigint | undefined {
    return this.#told.get(key(edgeId, prefix))?.target;
  }

  /** Nobody can be held to what was said of this job. */
  isForgotten(job: number): boolean {
    return this.#forgotten.has(job);
  }

  /** A session has it, or had it in a job whose shares may still come. */
  #isHeld(edgeId: string, { heldThrough }: Told): boolean {
    if (heldThrough === undefined) return true;
    const nowMs = this.#nowMs();
    // A restart may find that it can take no more of a job, late time or not.
    return this.#of(edgeId).some(
      ({ job, toMs, hasDied }) => !hasDied && job <= heldThrough && nowMs <= toMs + this.#lateMs,
    );
  }

  #newestJob(edgeId: string): number {
    return this.#of(edgeId).at(-1)?.job ?? -1;
  }

  #of(edgeId: string): Stretch[] {
    const stretches = this.#stretches.get(edgeId) ?? [];
    this.#stretches.set(edgeId, stretches);
    return stretches;
  }
}

function key(edgeId: string, prefix: number): string {
  return `${edgeId} ${prefix}`;
}
