/** What became of a share, an entry, a block or a payment, step by step (docs/decisions/share-story.md). */

import { counted } from "../../../shared/counted.ts";
import type { Db } from "../../../shared/db/port.ts";
import {
  appliedDelta,
  type JobStory,
  jobStory,
  paidThrough,
  paymentEntry,
  placeOfEntry,
  type Submitted,
  submittedEntry,
  submittedShare,
  userInJob,
} from "../../../shared/db/story.ts";
import { readablePeg } from "../../../shared/decimal.ts";
import { assignedWork } from "../../../shared/difficulty/work.ts";
import { formatTarget } from "../../../shared/messages/stratum.ts";
import type { KeptShare, RefusedShare, ShareHistory } from "../share-history.ts";
import type { StoriesView, StoryStep, StoryView } from "../views/story.ts";
import { iso } from "./pool.ts";

/** Who asks: an administrator may see everybody's. */
export interface Asker {
  readonly name: string;
  readonly isAdmin: boolean;
}

export type StoryId =
  | { readonly kind: "height"; readonly height: number }
  /** Lower-case hex: of an entry's hash, of a nonce, or of a nonce as long as a hash. */
  | { readonly kind: "hex"; readonly hex: string };

const ENTRY_HASH_DIGITS = 64;
const HIGHEST = 0x7fff_ffff;

/** A height in decimal (with # before it, or commas in it, as pages show it), or 10 to 64 hex digits. Undefined for anything else. */
export function storyId(text: string): StoryId | undefined {
  const plain = text.trim().replace(/^#/, "").toLowerCase();
  const digits = plain.replaceAll(",", "");
  if (/^(0|[1-9]\d{0,9})$/.test(digits) && Number(digits) <= HIGHEST)
    return { kind: "height", height: Number(digits) };
  return /^([0-9a-f]{2}){5,32}$/.test(plain) ? { kind: "hex", hex: plain } : undefined;
}

/** Empty `stories`: there is nothing by this id that the asker may see. */
export async function tellStories(
  id: StoryId,
  asker: Asker,
  modules: { readonly db: Db; readonly shares?: ShareHistory },
): Promise<StoriesView> {
  const { db, shares } = modules;
  return {
    stories: id.kind === "height" ? await ofBlock(db, id.height, asker) : await ofHex(id.hex, asker, modules),
    keptSeconds: shares === undefined ? null : shares.keepMs / 1000,
    refusedKnown: shares?.refused !== undefined,
  };
}

async function ofHex(
  hex: string,
  asker: Asker,
  { db, shares }: { readonly db: Db; readonly shares?: ShareHistory },
): Promise<StoryView[]> {
  const mayBeEntry = hex.length === ENTRY_HASH_DIGITS;
  const entry = mayBeEntry ? await submittedEntry(db, hex) : undefined;
  if (entry !== undefined) return [await ofEntry(db, entry, asker)];
  const payment = mayBeEntry ? await ofPayment(db, hex, asker) : undefined;
  if (payment !== undefined) return [payment];
  const mine = ({ user }: { readonly user: string }): boolean => asker.isAdmin || user === asker.name;
  const taken = ((await shares?.find(hex)) ?? []).filter(mine);
  const refused = ((await shares?.refused?.(hex)) ?? []).filter(mine);
  return [
    ...(await Promise.all(taken.map((share) => ofShare(db, share, asker)))),
    ...refused.map((share) => ofRefused(hex, share)),
  ];
}

async function ofShare(db: Db, share: KeptShare, asker: Asker): Promise<StoryView> {
  const { job: height, user, worker, nonce, record, epoch } = share;
  const [job, entry] = await Promise.all([jobStory(db, height), submittedShare(db, height, nonce)]);
  const late = share.late ? ", in the late time after it could win: paid, not submitted" : "";
  return {
    id: nonce,
    kind: "share",
    of: { user, worker },
    height,
    steps: [
      receivedStep(share),
      step("judged", "done", {
        atMs: share.atMs,
        words: `taken: its hash reaches ${formatTarget(share.reached)}, asked for was ${formatTarget(share.assigned)}, worth ${assignedWork(share.assigned).toLocaleString("en-US")} hashes${late}`,
      }),
      step("journaled", "done", {
        atMs: share.atMs,
        words: `record ${record} of the edge's journal${epoch === undefined ? "" : `, slot ${epoch.slot}, epoch ${epoch.epoch}`}`,
      }),
      await creditedStep(db, share),
      sealedStep(job, height, user === asker.name),
      ...(await submittedSteps(db, entry, job, share)),
      await paidStep(db, user, height, job),
    ],
  };
}

function receivedStep({ atMs, waitedMs }: Pick<KeptShare, "atMs" | "waitedMs">): StoryStep {
  if (waitedMs === undefined)
    return step("received", "unknown", { words: "the edge that took it did not write down when" });
  return step("received", "done", {
    atMs: atMs - waitedMs,
    words: `its line was read by the edge, ${waitedMs} ms before the verdict`,
  });
}

async function creditedStep(db: Db, { job, epoch, seq }: KeptShare): Promise<StoryStep> {
  if (epoch === undefined)
    return step("credited", "unknown", { words: "its edge's lease is not on record any more" });
  if (seq === undefined)
    return step("credited", "waits", {
      words: "it goes to the books with the edge's next delta, seconds later",
    });
  const applied = await appliedDelta(db, { job, ...epoch, seq });
  const named = `delta ${seq} of slot ${epoch.slot}, epoch ${epoch.epoch}`;
  if (applied === undefined)
    return step("credited", "waits", { words: `${named}: sent, not in the books yet` });
  const into =
    applied.intoJob === null || applied.intoJob === job
      ? ""
      : `, late: its work counts in block ${applied.intoJob}`;
  return step("credited", "done", { atMs: applied.appliedMs, words: named + into, hash: applied.sha256 });
}

function sealedStep(job: JobStory | undefined, height: number, hasProof: boolean): StoryStep {
  if (job?.state !== "sealed")
    return step("sealed", "waits", { words: "the tree is made when all work for this block is in" });
  return step("sealed", "done", {
    ...(job.sealedMs !== null && { atMs: job.sealedMs }),
    words: "in the tree over every worker's work; this is its root",
    ...(job.root !== null && { hash: job.root }),
    link: hasProof ? `/api/me/blocks/${height}/proof` : `/pool/blocks/${height}`,
  });
}

/** `share`: where it is known what was reached. */
async function submittedSteps(
  db: Db,
  entry: Submitted | undefined,
  job: JobStory | undefined,
  share?: KeptShare,
): Promise<StoryStep[]> {
  if (entry === undefined) {
    const words =
      share !== undefined && job !== undefined && job.threshold !== null && share.reached <= job.threshold
        ? `below the ${formatTarget(job.threshold)} that could win: it counts for your pay, not for a place`
        : share?.late === true
          ? "it came too late to win"
          : "not sent to the chain, or not on record";
    return [step("submitted", "not", { words })];
  }
  const { state, reason, entryHash: hash, atMs, height } = entry;
  const because = reason === null ? "" : `: ${reason}`;
  if (state === "blocked" || state === "abandoned")
    return [step("submitted", "not", { atMs, words: `${state}${because}`, hash })];
  const sent = step("submitted", state === "revealed" ? "done" : "waits", {
    atMs,
    words: `${state}${because}`,
    hash,
  });
  return [sent, await placedStep(db, entry, job, height)];
}

async function placedStep(
  db: Db,
  { entryHash }: Submitted,
  job: JobStory | undefined,
  height: number,
): Promise<StoryStep> {
  const link = `/pool/blocks/${height}`;
  if (job === undefined || job.blockMs === null)
    return step("placed", "waits", { words: "its block is not graded yet" });
  const atMs = job.blockMs;
  if (job.graded !== true)
    return step("placed", "not", { atMs, words: "the block had too few records and was not graded", link });
  const place = await placeOfEntry(db, height, entryHash);
  if (place === undefined)
    return step("placed", "not", { atMs, words: "not among the records that were graded", link });
  const words =
    place.payout > 0n
      ? `place ${place.position}, which pays the pool ${readablePeg(place.payout)} PEG`
      : `place ${place.position}: graded, not paid`;
  return step("placed", place.payout > 0n ? "done" : "not", { atMs, words, link });
}

async function paidStep(db: Db, user: string, height: number, job: JobStory | undefined): Promise<StoryStep> {
  const part = await userInJob(db, user, height);
  if (part === undefined)
    return step("paid", "not", { words: "no work of this user is booked in this block" });
  if (part.amount === null || job?.state !== "sealed")
    return step("paid", "waits", { words: "what the block brings is booked when it is sealed" });
  const booked = `${readablePeg(part.amount)} PEG booked to ${user} for ${counted(part.shares, "share")} of this block`;
  if (part.amount === 0n) return step("paid", "not", { words: `${booked}: the pool won nothing in it` });
  const payment = await paidThrough(db, user, height);
  if (payment === undefined) return step("paid", "waits", { words: `${booked}, and owed since` });
  return step("paid", "done", { atMs: payment.atMs, words: `${booked}, and paid`, hash: payment.entryHash });
}

function ofRefused(hex: string, share: RefusedShare): StoryView {
  const { user, worker, jobId, atMs, code, reason } = share;
  return {
    id: hex,
    kind: "refused",
    of: { user, worker },
    height: /^\d{1,10}$/.test(jobId) ? Number(jobId) : null,
    steps: [receivedStep(share), step("judged", "not", { atMs, words: `refused as ${code}: ${reason}` })],
  };
}

/** Whose it is stays between its owner and administrators, as on the page of submissions. */
async function ofEntry(db: Db, entry: Submitted, asker: Asker): Promise<StoryView> {
  const { entryHash: id, user, worker, height } = entry;
  const isMine = asker.isAdmin || user === asker.name;
  const job = await jobStory(db, height);
  return {
    id,
    kind: "entry",
    of: isMine ? { user, worker } : null,
    height,
    steps: [
      step("judged", "done", {
        words: `a share that reaches ${formatTarget(entry.target)}${isMine ? `, nonce ${entry.nonce}` : ""}`,
      }),
      sealedStep(job, height, isMine && user === asker.name),
      ...(await submittedSteps(db, entry, job)),
      ...(isMine ? [await paidStep(db, user, height, job)] : []),
    ],
  };
}

async function ofPayment(db: Db, entryHash: string, asker: Asker): Promise<StoryView | undefined> {
  const payment = await paymentEntry(db, entryHash, asker.name);
  if (payment === undefined) return undefined;
  const mine = payment.mine === null ? "" : `, ${readablePeg(payment.mine)} PEG of it to you`;
  return {
    id: entryHash,
    kind: "payment",
    of: null,
    height: null,
    steps: [
      step("paid", "done", {
        atMs: payment.atMs,
        words: `${readablePeg(payment.amount)} PEG to ${counted(payment.users, "user")}${mine}`,
        hash: entryHash,
        link: "/pool/payments",
      }),
    ],
  };
}

/** Of the asker's work in it. */
async function ofBlock(db: Db, height: number, asker: Asker): Promise<StoryView[]> {
  const job = await jobStory(db, height);
  if (job === undefined) return [];
  const mine = await userInJob(db, asker.name, height);
  const credited =
    mine === undefined
      ? step("credited", "not", { words: "no work of yours is booked in this block" })
      : step("credited", "done", {
          words: `${counted(mine.shares, "share")} of yours, ${mine.rejected} refused`,
        });
  const placed =
    job.blockMs === null
      ? step("placed", "waits", { words: "the block is not graded yet" })
      : step("placed", (job.winning ?? 0) > 0 ? "done" : "not", {
          atMs: job.blockMs,
          words: `the pool has ${counted(job.winning ?? 0, "paid place")}: ${readablePeg(job.reward ?? 0n)} PEG`,
          ...(job.keyMr !== null && { hash: job.keyMr }),
          link: `/pool/blocks/${height}`,
        });
  return [
    {
      id: `${height}`,
      kind: "block",
      of: null,
      height,
      steps: [
        ...(job.createdMs === null
          ? [step("judged", "not", { words: "the pool had no job at this height" })]
          : [
              step("judged", "done", {
                atMs: job.createdMs,
                words: "the job began; this is the hash of its record",
                ...(job.oprHash !== null && { hash: job.oprHash }),
              }),
            ]),
        credited,
        sealedStep(job, height, mine !== undefined),
        placed,
        await paidStep(db, asker.name, height, job),
      ],
    },
  ];
}

function step(
  name: StoryStep["step"],
  state: StoryStep["state"],
  told: { atMs?: number; words: string; hash?: string; link?: string },
): StoryStep {
  const { atMs, words, hash, link } = told;
  return {
    ...{ step: name, state, words, hash: hash ?? null, link: link ?? null },
    at: atMs === undefined ? null : iso(atMs),
  };
}
