/** The database and the queue as an edge sees them, in memory: slots, jobs, deltas applied once by their key. For tests of the edge alone. */

import * as v from "valibot";
import type { EdgeRecords, SlotGrant } from "../../shared/db/edges.ts";
import { CodedError } from "../../shared/errors.ts";
import { type Delta, summary } from "../../shared/messages/summary.ts";
import type { QueueSender } from "../../shared/queue.ts";

interface Slot {
  edgeId: string;
  epoch: number;
  expiresAtMs: number;
  coveredJob: number | undefined;
}

interface Epoch {
  edgeId: string;
  firstJob: number | undefined;
  lastJob: number | undefined;
}

export interface MemoryBooks extends EdgeRecords, QueueSender {
  /** Both reject while true. */
  databaseAway: boolean;
  queueAway: boolean;
  /** Only the question for unmarked jobs fails. */
  unmarkedAway: boolean;
  /** Messages taken by the queue but not applied yet, while true. */
  held: boolean;
  /** Makes a job's row. */
  addJob(height: number): void;
  seal(height: number): void;
  /** Applies what was held. */
  release(): void;
  /** Forgets what was held, as a queue that dies. */
  loseHeld(): void;
  /** Ends the epoch as the janitor does. */
  endEpoch(edgeId: string, grant: SlotGrant): Promise<void>;
  slots: Map<number, Slot>;
  epochs: Map<string, Epoch>;
  deltas: Map<string, Delta>;
  markers: Map<string, number>;
  /** Bodies taken, in order, duplicates too. */
  sent: string[];
  /** Shares and work by "job user worker", over all epochs. */
  sums(): Map<string, { shares: number; work: bigint; rejected: number }>;
  /** Books with a marker whose deltas up to it are not all there, or that has deltas beyond it. */
  incomplete(): string[];
}

export function memoryBooks(nowMs: () => number): MemoryBooks {
  const jobs = new Map<number, { createdAtMs: number; sealed: boolean }>();
  const bodies = new Map<string, string>();
  let waiting: string[] = [];
  const id = (key: { job: number; slot: number; epoch: number }): string =>
    `${key.job}/${key.slot}/${key.epoch}`;
  const newestJob = (): number | undefined => (jobs.size === 0 ? undefined : Math.max(...jobs.keys()));
  const lastJobOf = (slot: Slot, epoch: Epoch): number =>
    slot.coveredJob !== undefined && slot.coveredJob >= (epoch.firstJob ?? 0)
      ? slot.coveredJob
      : (epoch.firstJob ?? 0) - 1;
  const reachable = (): void => {
    if (books.databaseAway) throw new CodedError("db-away", "the test's database is away");
  };

  const apply = (body: string): void => {
    const message = v.parse(summary, JSON.parse(body));
    if (message.kind === "close") {
      const known = books.markers.get(id(message));
      if (known !== undefined && known !== message.lastSeq) throw new Error(`two markers for ${id(message)}`);
      books.markers.set(id(message), message.lastSeq);
      return;
    }
    const key = `${id(message)}/${message.seq}`;
    const known = bodies.get(key);
    if (known !== undefined && known !== body) throw new Error(`two bodies for ${key}:\n${known}\n${body}`);
    bodies.set(key, body);
    books.deltas.set(key, message);
  };

  const books: MemoryBooks = {
    databaseAway: false,
    queueAway: false,
    unmarkedAway: false,
    held: false,
    slots: new Map(),
    epochs: new Map(),
    deltas: new Map(),
    markers: new Map(),
    sent: [],
    addJob: (height) => void (jobs.has(height) || jobs.set(height, { createdAtMs: nowMs(), sealed: false })),
    seal(height) {
      const job = jobs.get(height);
      if (job !== undefined) job.sealed = true;
    },
    release() {
      const bodies = waiting;
      waiting = [];
      for (const body of bodies) apply(body);
    },
    loseHeld() {
      waiting = [];
    },
    async send(body) {
      if (books.queueAway) throw new CodedError("queue-away", "the test's queue is away");
      books.sent.push(body);
      if (books.held) waiting.push(body);
      else apply(body);
    },
    async acquireSlot({ edgeId, leaseMs, lateMs }) {
      reachable();
      const own = [...books.slots].find(([, slot]) => slot.edgeId === edgeId);
      const fresh = Array.from({ length: 4096 }, (_, n) => n).find((n) => !books.slots.has(n));
      const expired = [...books.slots].find(
        ([, slot]) =>
          slot.expiresAtMs < nowMs() &&
          [...jobs].some(
            ([height, { createdAtMs }]) => height > (slot.coveredJob ?? -1) && createdAtMs < nowMs() - lateMs,
          ),
      );
      const number = own?.[0] ?? fresh ?? expired?.[0];
      if (number === undefined) return undefined;
      const before = books.slots.get(number);
      const slot: Slot = {
        edgeId,
        epoch: (before?.epoch ?? 0) + 1,
        expiresAtMs: nowMs() + leaseMs,
        coveredJob: before?.coveredJob,
      };
      books.slots.set(number, slot);
      for (const [key, epoch] of books.epochs)
        if (key.startsWith(`${number}/`)) epoch.lastJob ??= lastJobOf(slot, epoch);
      const firstJob = newestJob();
      books.epochs.set(`${number}/${slot.epoch}`, { edgeId, firstJob, lastJob: undefined });
      return { slot: number, epoch: slot.epoch, firstJob };
    },
    async renewSlot(edgeId, grant, leaseMs) {
      reachable();
      const slot = books.slots.get(grant.slot);
      if (slot?.edgeId !== edgeId || slot.epoch !== grant.epoch) return "taken";
      if (books.epochs.get(`${grant.slot}/${grant.epoch}`)?.lastJob !== undefined) return "ended";
      slot.expiresAtMs = nowMs() + leaseMs;
      return "renewed";
    },
    async coverJob(edgeId, grant, job) {
      reachable();
      const slot = books.slots.get(grant.slot);
      const epoch = books.epochs.get(`${grant.slot}/${grant.epoch}`);
      if (
        slot?.edgeId !== edgeId ||
        slot.epoch !== grant.epoch ||
        epoch?.lastJob !== undefined ||
        epoch === undefined
      )
        throw new CodedError("lease-lost", "the test's slot is another's");
      slot.coveredJob = Math.max(slot.coveredJob ?? 0, job);
      const unsealed = [...jobs].filter(([, { sealed }]) => !sealed).map(([height]) => height);
      epoch.firstJob ??= Math.min(job, ...unsealed);
      return Math.min(epoch.firstJob, job);
    },
    async endEpoch(edgeId, grant) {
      reachable();
      const slot = books.slots.get(grant.slot);
      const epoch = books.epochs.get(`${grant.slot}/${grant.epoch}`);
      if (slot !== undefined && epoch?.edgeId === edgeId) epoch.lastJob ??= lastJobOf(slot, epoch);
    },
    async unmarkedJobs(edgeId) {
      reachable();
      if (books.unmarkedAway) throw new CodedError("db-away", "the test's database broke this line");
      return [...books.epochs].flatMap(([key, epoch]) => {
        const [slot = 0, number = 0] = key.split("/").map(Number);
        if (epoch.edgeId !== edgeId || epoch.lastJob === undefined) return [];
        return [...jobs]
          .filter(
            ([height, { sealed }]) =>
              !sealed && height >= (epoch.firstJob ?? height) && height <= (epoch.lastJob ?? -1),
          )
          .map(([job]) => ({ job, slot, epoch: number }))
          .filter((unmarked) => !books.markers.has(id(unmarked)));
      });
    },
    async appliedSeqs(ranges) {
      reachable();
      return ranges.flatMap(({ fromSeq, toSeq, job, slot, epoch }) =>
        Array.from({ length: toSeq - fromSeq + 1 }, (_, n) => fromSeq + n)
          .filter((seq) => books.deltas.has(`${job}/${slot}/${epoch}/${seq}`))
          .map((seq) => ({ job, slot, epoch, seq })),
      );
    },
    async fullyApplied(keys) {
      reachable();
      return keys
        .filter((key) => {
          const all = Array.from({ length: key.lastSeq + 1 }, (_, seq) => seq);
          return books.markers.has(id(key)) && all.every((seq) => books.deltas.has(`${id(key)}/${seq}`));
        })
        .map(({ job, slot, epoch }) => ({ job, slot, epoch }));
    },
    sums() {
      const sums = new Map<string, { shares: number; work: bigint; rejected: number }>();
      for (const { job, rows } of books.deltas.values()) {
        for (const row of rows) {
          const key = `${job} ${row.user} ${row.worker}`;
          const known = sums.get(key) ?? { shares: 0, work: 0n, rejected: 0 };
          sums.set(key, {
            shares: known.shares + row.shares,
            work: known.work + BigInt(row.work),
            rejected: known.rejected + row.rejected,
          });
        }
      }
      return sums;
    },
    incomplete() {
      const seqs = new Map<string, number[]>();
      for (const delta of books.deltas.values())
        seqs.set(id(delta), [...(seqs.get(id(delta)) ?? []), delta.seq]);
      return [...books.markers]
        .filter(([key, lastSeq]) => (seqs.get(key)?.length ?? 0) !== lastSeq + 1)
        .map(([key]) => key);
    },
  };
  return books;
}
