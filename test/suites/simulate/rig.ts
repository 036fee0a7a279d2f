/** A worker's machine: makes hashes, and knows what it found. Luck stands in the nonce (shares.ts), so that N hashes bring what N hashes bring. */

import { toHex } from "../../../shared/bytes.ts";
import { assignedWork, type CreditMode, targetOfWork } from "../../../shared/difficulty/work.ts";
import { holderOf, type Job, type Work } from "./client.ts";
import type { Find } from "./find.ts";
import type { Oracle } from "./oracle.ts";
import { luckOf, MOST_PLACED, nonceOf } from "./shares.ts";

export interface RigOptions {
  readonly user: string;
  readonly worker: string;
  readonly credit: CreditMode;
}

/** A hit, to be sent. */
export interface Hit {
  readonly find: Find;
  readonly job: Job;
  /** Of the edge whose prefix it is. */
  readonly edgeId: string;
  readonly nonce: Uint8Array;
  /** Made as its worker was told to. */
  readonly isTold: boolean;
  /** Hashes that a share at what it reaches takes. */
  readonly luck: bigint;
}

export class Rig {
  readonly user: string;
  readonly worker: string;
  readonly #credit: CreditMode;
  readonly #oracle: Oracle;
  /** Hashes made, by edge, job, prefix and kind. */
  readonly #made = new Map<string, number>();

  constructor({ user, worker, credit }: RigOptions, oracle: Oracle) {
    this.user = user;
    this.worker = worker;
    this.#credit = credit;
    this.#oracle = oracle;
  }

  /** Makes so many hashes; those that reach `least`. Where finds are placed it is one find, whatever was asked, or none. */
  make(edgeId: string, work: Work, hashes: number, least: bigint): Hit[] {
    return this.#credit === "achieved" ? this.#place(edgeId, work) : this.#count(edgeId, work, hashes, least);
  }

  #place(edgeId: string, work: Work): Hit[] {
    const index = this.#oracle.credits.countOf(work.job.height, this.user, this.worker);
    return index < MOST_PLACED
      ? [
          this.#hit(edgeId, work, nonceOf(work.prefix, "placed", index), {
            isTold: true,
            luck: 0n,
            worth: 0n,
          }),
        ]
      : [];
  }

  #count(edgeId: string, work: Work, hashes: number, least: bigint): Hit[] {
    const { job, prefix } = work;
    const isTold = this.#oracle.told.isTold(edgeId, prefix, holderOf(this), job.height);
    const kind = isTold ? "told" : "untold";
    const key = `${edgeId} ${job.oprHash} ${prefix} ${kind}`;
    const from = this.#made.get(key) ?? 0;
    this.#made.set(key, from + hashes);
    if (isTold) this.#oracle.credits.made(job.height, this.user, this.worker, hashes);
    const target = isTold ? this.#oracle.told.targetOf(edgeId, prefix) : undefined;
    const hits: Hit[] = [];
    for (let n = from + 1; n <= from + hashes; n++) {
      const luck = luckOf(n);
      if (targetOfWork(luck) < least) continue;
      const nonce = nonceOf(prefix, kind, n);
      const worth = target !== undefined && targetOfWork(luck) >= target ? assignedWork(target) : 0n;
      hits.push(this.#hit(edgeId, work, nonce, { isTold, luck, worth }));
    }
    return hits;
  }

  #hit(
    edgeId: string,
    { job }: Work,
    nonce: Uint8Array,
    { isTold, luck, worth }: { isTold: boolean; luck: bigint; worth: bigint },
  ): Hit {
    const { user, worker } = this;
    const index = this.#oracle.credits.countOf(job.height, user, worker);
    const find: Find = {
      ...{ job: job.height, user, worker, index, nonce: toHex(nonce), worth },
      ...{ sends: 0, submitted: false, credited: false, acked: false },
    };
    this.#oracle.credits.found(find);
    return { find, job, edgeId, nonce, isTold, luck };
  }
}
