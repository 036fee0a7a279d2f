/** What edges ask of the database (shared/db/edges.ts), over the model's rows. Each call is one instant. */

import type { EdgeRecords, SlotGrant, TallyKey } from "../../../shared/db/edges.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { ModelServer } from "./server.ts";
import { bookId, type EpochRecord, type SlotRecord, type Tables } from "./tables.ts";

/** `slots`: how many there are at the moment; the real ones are 4,096. */
export function modelEdgeRecords(server: ModelServer, slots: () => number): EdgeRecords {
  const { tables } = server;
  return {
    acquireSlot: async (edge) => acquireSlot(server, slots(), edge),
    renewSlot: async (edgeId, grant, leaseMs) => {
      const slot = tables.slots.get(grant.slot);
      if (slot?.edgeId !== edgeId || slot.epoch !== grant.epoch) return "taken";
      if (epochOf(tables, grant)?.lastJob !== undefined) return "ended";
      slot.expiresAtMs = server.nowMs() + leaseMs;
      return "renewed";
    },
    coverJob: async (edgeId, grant, job) => coverJob(tables, edgeId, grant, job),
    endEpoch: async (edgeId, grant) => {
      const slot = tables.slots.get(grant.slot);
      const epoch = epochOf(tables, grant);
      if (slot !== undefined && epoch?.edgeId === edgeId) epoch.lastJob ??= lastJobOf(slot, epoch);
    },
    unmarkedJobs: async (edgeId) => unmarkedJobs(tables, edgeId),
    appliedSeqs: async (ranges) =>
      ranges.flatMap(({ fromSeq, toSeq, job, slot, epoch }) =>
        Array.from({ length: toSeq - fromSeq + 1 }, (_, n) => ({
          job,
          slot,
          epoch,
          seq: fromSeq + n,
        })).filter((key) => tables.deltas.has(`${bookId(key)}/${key.seq}`)),
      ),
    fullyApplied: async (books) =>
      books
        .filter((book) => tables.markers.has(bookId(book)) && isComplete(tables, book))
        .map(({ job, slot, epoch }) => ({ job, slot, epoch })),
  };
}

/** All deltas of the book up to its last are there. */
function isComplete(tables: Tables, book: TallyKey & { lastSeq: number }): boolean {
  for (let seq = 0; seq <= book.lastSeq; seq++)
    if (!tables.deltas.has(`${bookId(book)}/${seq}`)) return false;
  return true;
}

function epochOf(tables: Tables, grant: Pick<SlotGrant, "slot" | "epoch">): EpochRecord | undefined {
  return tables.epochs.get(`${grant.slot}/${grant.epoch}`);
}

function lastJobOf(slot: SlotRecord, epoch: EpochRecord): number {
  const first = epoch.firstJob ?? 0;
  return slot.coveredJob !== undefined && slot.coveredJob >= first ? slot.coveredJob : first - 1;
}

function acquireSlot(
  server: ModelServer,
  slots: number,
  { edgeId, leaseMs, lateMs }: { edgeId: string; leaseMs: number; lateMs: number },
): SlotGrant | undefined {
  const { tables } = server;
  const nowMs = server.nowMs();
  const own = [...tables.slots].find(([, slot]) => slot.edgeId === edgeId);
  const fresh = Array.from({ length: slots }, (_, n) => n).find((n) => !tables.slots.has(n));
  const isOver = (covered: number | undefined): boolean =>
    covered === undefined ||
    [...tables.jobs.values()].some((job) => job.height > covered && job.createdAtMs < nowMs - lateMs);
  const [expired] = [...tables.slots]
    .filter(([, slot]) => slot.expiresAtMs < nowMs && isOver(slot.coveredJob))
    .sort(([, a], [, b]) => a.expiresAtMs - b.expiresAtMs);
  const slot = own?.[0] ?? fresh ?? expired?.[0];
  if (slot === undefined) return undefined;
  const before = tables.slots.get(slot);
  const epoch = (before?.epoch ?? 0) + 1;
  const coveredJob = before?.coveredJob;
  const record = { edgeId, epoch, expiresAtMs: nowMs + leaseMs, coveredJob };
  tables.slots.set(slot, record);
  for (const earlier of tables.epochs.values())
    if (earlier.slot === slot) earlier.lastJob ??= lastJobOf(record, earlier);
  const firstJob = tables.jobs.size === 0 ? undefined : Math.max(...tables.jobs.keys());
  tables.epochs.set(`${slot}/${epoch}`, { slot, epoch, edgeId, firstJob, lastJob: undefined });
  return { slot, epoch, firstJob };
}

function coverJob(tables: Tables, edgeId: string, grant: SlotGrant, job: number): number {
  const slot = tables.slots.get(grant.slot);
  const epoch = epochOf(tables, grant);
  const isOwn = slot?.edgeId === edgeId && slot.epoch === grant.epoch;
  if (!isOwn || epoch === undefined || epoch.lastJob !== undefined)
    throw new CodedError("lease-lost", `slot ${grant.slot} is not this edge's in epoch ${grant.epoch}`);
  slot.coveredJob = Math.max(slot.coveredJob ?? job, job);
  const unsealed = tables.jobsInOrder().find(({ state }) => state !== "sealed");
  epoch.firstJob ??= unsealed?.height ?? job;
  return Math.min(epoch.firstJob, job);
}

function unmarkedJobs(tables: Tables, edgeId: string): TallyKey[] {
  const keys = [...tables.epochs.values()].flatMap(({ slot, epoch, edgeId: owner, firstJob, lastJob }) => {
    if (owner !== edgeId || lastJob === undefined) return [];
    return tables
      .jobsInOrder()
      .filter(
        ({ height, state }) => state !== "sealed" && height >= (firstJob ?? height) && height <= lastJob,
      )
      .map(({ height }) => ({ job: height, slot, epoch }))
      .filter((key) => !tables.markers.has(bookId(key)));
  });
  return keys.sort((a, b) => a.job - b.job || a.slot - b.slot || a.epoch - b.epoch);
}

/** The janitor's part: ends the epochs whose lease expired more than `graceMs` ago. */
export function endExpired(server: ModelServer, graceMs: number): number {
  const { tables } = server;
  let ended = 0;
  for (const epoch of tables.epochs.values()) {
    const slot = tables.slots.get(epoch.slot);
    if (slot === undefined || slot.epoch !== epoch.epoch || epoch.lastJob !== undefined) continue;
    if (slot.expiresAtMs >= server.nowMs() - graceMs) continue;
    epoch.lastJob = lastJobOf(slot, epoch);
    ended += 1;
  }
  return ended;
}
