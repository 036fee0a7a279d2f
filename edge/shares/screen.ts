/** All checks of a share that need no hash (docs/design.md, "The path of a share"). */

import type { RefusalCode } from "../../shared/messages/refusals.ts";
import { parseTarget } from "../../shared/messages/stratum.ts";
import type { Holder, ShareVerdict, SubmittedShare } from "../stratum/backend.ts";
import { type Nonce, parseNonce } from "./nonce.ts";
import { type OpenJob, type OpenJobs, timingOf } from "./open-jobs.ts";
import type { Prefix, Prefixes } from "./prefixes.ts";

export interface ScreenModules {
  readonly jobs: OpenJobs;
  readonly prefixes: Prefixes;
}

export type ShareRefusal = Extract<ShareVerdict, { kind: "refused" }>;

/** A share that passed the cheap checks. Its nonce is reserved. */
export interface Candidate {
  readonly job: OpenJob;
  /** Found before miners were told to stop, and sent within the late time after it. */
  readonly late: boolean;
  /** Monotonic milliseconds when its line was read. */
  readonly readAtMs: number;
  readonly nonce: Nonce;
  readonly claimed: bigint;
  /** The target of the nonce's prefix: what the share must reach, and what it is credited for. */
  readonly target: bigint;
  /** Who the prefix was given to, whichever of the user's sessions sends the share. */
  readonly holder: Holder;
}

/** On success the nonce is reserved in the job. */
export function screen(share: SubmittedShare, { jobs, prefixes }: ScreenModules): Candidate | ShareRefusal {
  const nonce = parseNonce(share.nonce);
  if (nonce === undefined) return refused("malformed", "nonce: expected 5 to 32 bytes in hex");
  const claimed = parseTarget(share.target);
  if (claimed === undefined) return refused("malformed", "target: expected up to 16 hex digits");
  const prefix = prefixes.find(nonce.prefix);
  const holder = prefix?.holder?.user === share.user ? prefix.holder : undefined;
  const hit =
    holder !== undefined && prefix !== undefined && claimed >= prefix.target ? prefix.target : undefined;
  const named = jobs.find(share.oprHash, share.jobId);
  // Checked before the prefix: a share of a job that has long been over comes under a prefix that nobody knows any more. It is no forgery.
  if (named.kind === "refused") return refused(named.code, named.reason, hit);
  if (prefix === undefined || holder === undefined) return unknownPrefix(prefixes.isForeign(nonce.prefix));
  const { target } = prefix;
  const { job } = named;
  if (!prefixes.isGoodFor(prefix, job.height)) return unknownPrefix(false);
  const timing = timingOf(job, prefix, share.readAtMs);
  if (timing === "over") return refused("stale", overReason(job, prefix), hit);
  if (hit === undefined)
    return refused(
      "low-difficulty",
      `the target of this prefix is ${hex(target)}, the share claims ${hex(claimed)}`,
    );
  const reservation = job.seen.reserve(nonce.bytes);
  if (reservation === "duplicate") return refused("duplicate", "this nonce was submitted before");
  if (reservation === "full")
    return refused("busy", "this job takes no more shares here; the nonce stays unused", target);
  return { job, late: timing === "late", readAtMs: share.readAtMs, nonce, claimed, target, holder };
}

/** `hit`: the target that the share claims to reach, if this shows its miner's pace although the share is refused. */
export function refused(code: RefusalCode, reason: string, hit?: bigint): ShareRefusal {
  return hit === undefined ? { kind: "refused", code, reason } : { kind: "refused", code, reason, hit };
}

export function hex(target: bigint): string {
  return target.toString(16).padStart(16, "0");
}

/** Only the edge that gave a prefix out knows the nonces that were taken under it. */
function unknownPrefix(isForeign: boolean): ShareRefusal {
  if (isForeign)
    return refused(
      "other-edge",
      "this prefix is another server's: what was found under it counts only there",
    );
  return refused("wrong-prefix", "the nonce does not begin with the four bytes this user was given");
}

function overReason(job: OpenJob, { serial }: Prefix): string {
  const last = job.runs.at(-1);
  const isMined = last?.to === Number.POSITIVE_INFINITY;
  return isMined && serial < last.from
    ? `this prefix was given up when job ${job.height} was stopped; the job goes on with new ones`
    : `job ${job.height} is over`;
}
