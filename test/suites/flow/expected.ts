/** What follows from the recorded run: small readings of the recording that the comparison needs, by arithmetic of its own. */

import { formatRate } from "../../../shared/accounting/fee.ts";
import { referenceProportion } from "../../../shared/accounting/split.ts";
import { bytesToU64, fromHex, u64ToBytes } from "../../../shared/bytes.ts";
import { parseCommit } from "../../../shared/factom/commit.ts";
import { encodeEntry, entryHash, OPR_CHAIN, parseEntry } from "../../../shared/factom/entry.ts";
import { onOneScale } from "../../support/reference-sums.ts";
import { CAROL } from "./play.ts";
import { type RecordedShare, readRecording } from "./recording.ts";

const { blocks, jobs, db } = readRecording();
const MAX_U64 = 2n ** 64n - 1n;

/** The shares of a job that the reference accepted. */
export function sharesOf(job: number): RecordedShare[] {
  return (jobs.find(({ jobid }) => jobid === job)?.shares ?? []).filter((share) => share.accepted);
}

export function shareOf(job: number, nonce: string): RecordedShare {
  const share = sharesOf(job).find((one) => one.nonce === nonce);
  if (share === undefined) throw new Error(`no accepted share ${nonce} is recorded for job ${job}`);
  return share;
}

/** Self-reported difficulties of a block's graded entries in the reference's order: by grade, or by difficulty where it is not graded. */
export function gradeOrder(height: number): bigint[] {
  const block = blocks.find((one) => one.height === height);
  const hashes = block?.entryHashes ?? [];
  const claimed = (hash: string): bigint => claimedBy(block?.oprEntries?.[hashes.indexOf(hash)] ?? "");
  const graded = db.pegnet_payouts.filter((row) => row.height === height);
  if (graded.length > 0) return graded.map((row) => claimed(row.entry_hash));
  return hashes.map(claimed).sort((a, b) => (a < b ? 1 : -1));
}

function claimedBy(raw: string): bigint {
  const parsed = parseEntry(fromHex(raw));
  const claimed = parsed.ok ? parsed.entry.extIds[1] : undefined;
  if (claimed === undefined) throw new Error("a graded entry claims no difficulty");
  return bytesToU64(claimed);
}

/** The error that goes with our refusal; undefined: accepted. The recording has bare verdicts. */
export function expectedError(share: RecordedShare, subscribed: boolean): string | undefined {
  if (!subscribed) return "ErrorNotSubscribed";
  if (share.note === undefined) return undefined;
  return { "target + 1": "ErrorWrongHash", "job id of the previous job": "ErrorShareRefused" }[share.note];
}

/** Whether the entry is of a share of somebody but carol. */
export function isOfSubscriber(entry: string): boolean {
  const row = db.entry_submissions.find((one) => one.entry_hash === entry);
  if (row === undefined) throw new Error(`entry ${entry} is of no recorded submission`);
  return row.username !== CAROL;
}

/** A commit message without its timestamp and signature. */
export function timeless(commit: string): string {
  return `${commit.slice(0, 2)} ${commit.slice(14, 144)}`;
}

export function recordedTxId(entry: string): string | undefined {
  const found = jobs.flatMap((job) => job.submittedEntries).find(({ entryhash }) => entryhash === entry);
  const parsed = parseCommit(fromHex(found?.commit ?? ""));
  return parsed.ok ? parsed.commit.txId : undefined;
}

/** The name of the entry that a share becomes. */
export function entryNameOf(opr: Uint8Array, nonce: string, target: bigint): string {
  const extIds = [fromHex(nonce), u64ToBytes(target), Uint8Array.of(5)];
  return entryHash(encodeEntry({ chainId: OPR_CHAIN, extIds, content: opr }));
}

/** The work of a share by the difficulty it reached, in units of 2^-48 hashes. */
export function achieved(target: bigint): bigint {
  return (1n << 112n) / (MAX_U64 - target);
}

/** Work as the reference counts it: multiples of what a share of target ffff000000000000 stands for. */
export function difficultyOf(work: bigint): number {
  return (Number(work) * Number(MAX_U64 - 0xffff_0000_0000_0000n)) / 2 ** 112;
}

/** A recorded proportion in units of 1e-8. */
export function rateOf(proportion: string): bigint {
  return BigInt(proportion.replace(".", ""));
}

/** What the reference shares out for a job. */
export function sharedOf(job: number): bigint {
  const row = db.owed_payouts.find((one) => one.job_id === job);
  return (row?.pool_reward ?? 0n) - (row?.pool_fee ?? 0n);
}

/** The proportion by the recorded difficulties, were carol not there. */
export function proportionAmongSubscribers(job: number, user: string): string {
  const rows = db.user_owed_payouts.filter((row) => row.job_id === job && row.user_id !== CAROL);
  const own = rows.find((row) => row.user_id === user)?.user_difficuty ?? "0";
  const other = rows.find((row) => row.user_id !== user)?.user_difficuty ?? "0";
  const [a, b] = onOneScale(own, other);
  return formatRate(referenceProportion(a, a + b));
}
