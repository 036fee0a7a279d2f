/** A backend that needs nothing else: every name may log in, jobs are set by hand, shares are checked and forgotten. For `prosper stratum` and the replay of transcripts. */

import { bytesToU64, concat, fromHex, toHex, u32ToBytes } from "../../shared/bytes.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import { parseJobId, parseTarget } from "../../shared/messages/stratum.ts";
import type {
  AuthorizeRequest,
  AuthorizeVerdict,
  Holder,
  Job,
  RefusalCode,
  ShareVerdict,
  StratumBackend,
  SubmittedShare,
} from "./backend.ts";

/** Nonces remembered for a job; beyond, shares are refused as busy. */
const MAX_SEEN = 1_000_000;

interface OpenJob extends Job {
  readonly seen: Set<string>;
  readonly held: Set<string>;
}

export interface OpenBackendOptions {
  /** How long after a new job shares of the one before are taken. */
  readonly lateMs: number;
}

export class OpenBackend implements StratumBackend {
  readonly #options: OpenBackendOptions;
  readonly #hasher: Hasher | undefined;
  readonly #nowMs: () => number;
  #current: OpenJob | undefined;
  #previous: OpenJob | undefined;
  #changedMs = 0;
  #nextPrefix: number;
  /** False refuses every share as stale: the block is being saved. */
  gateOpen: boolean = true;

  constructor(
    options: OpenBackendOptions,
    modules: {
      /** Without it what miners claim is believed. */
      readonly hasher: Hasher | undefined;
      readonly nowMs: () => number;
      readonly firstPrefix: number;
    },
  ) {
    this.#options = options;
    this.#hasher = modules.hasher;
    this.#nowMs = modules.nowMs;
    this.#nextPrefix = modules.firstPrefix;
  }

  /** False, and nothing changes, unless the height is above the current one. */
  setJob(height: number, oprHash: string): boolean {
    if (this.#current !== undefined && height <= this.#current.height) return false;
    this.#previous = this.#current;
    this.#current = { height, oprHash, threshold: 0n, seen: new Set(), held: new Set() };
    this.#changedMs = this.#nowMs();
    return true;
  }

  currentJob(): Job | undefined {
    return this.#current;
  }

  oprHashOf(height: number): string | undefined {
    return [this.#current, this.#previous].find((known) => known?.height === height)?.oprHash;
  }

  authorize(_request: AuthorizeRequest): Promise<AuthorizeVerdict> {
    return Promise.resolve({ kind: "ok", registered: false });
  }

  leasePrefix(_sessionId: string): number | undefined {
    const prefix = this.#nextPrefix;
    this.#nextPrefix = (this.#nextPrefix + 1) >>> 0;
    return prefix;
  }

  releasePrefix(prefix: number, holder: Holder | undefined): void {
    if (holder === undefined) return;
    for (const job of [this.#current, this.#previous]) job?.held.add(heldKey(prefix, holder));
  }

  async submit(share: SubmittedShare): Promise<ShareVerdict> {
    const job = this.#jobOf(share);
    if (typeof job === "string") return refused("stale", job);
    const nonce = readNonce(share.nonce);
    if (nonce === undefined)
      return refused("malformed", "nonce: expected 10 to 64 hex digits, an even number of them");
    if (!this.#mayUse(job, share, nonce))
      return refused("wrong-prefix", "nonce: does not begin with this session's prefix");
    const claimed = parseTarget(share.target);
    if (claimed === undefined) return refused("malformed", "target: expected at most 16 hex digits");
    if (claimed < share.assigned) return refused("low-difficulty", "below the target of this session");
    const key = toHex(nonce);
    if (job.seen.has(key)) return refused("duplicate", "this nonce was submitted before");
    if (job.seen.size >= MAX_SEEN || this.#hasher?.canAcceptWork() === false)
      return refused("busy", "too many shares at once, the nonce stays unused");
    job.seen.add(key);
    if (this.#hasher === undefined) return { kind: "accepted" };
    const [hash] = await this.#hasher.hash([concat(fromHex(job.oprHash), nonce)]);
    if (hash !== undefined && bytesToU64(hash) === claimed) return { kind: "accepted" };
    job.seen.delete(key);
    return refused("wrong-hash", "the hash does not reach the claimed target");
  }

  /** The job a share belongs to, or why there is none. */
  #jobOf(share: SubmittedShare): OpenJob | string {
    const current = this.#current;
    if (current === undefined) return "there is no job";
    if (!this.gateOpen) return "the block is being saved";
    const height = parseJobId(share.jobId);
    if (share.oprHash === current.oprHash)
      return height === current.height ? current : "the job id is not that of the oprHash";
    const previous = this.#previous;
    if (previous === undefined || share.oprHash !== previous.oprHash) return "no such job";
    // The Go miner sends its last shares of a job under the id of the next one.
    if (height !== previous.height && height !== current.height)
      return "the job id is not that of the oprHash";
    return share.readAtMs - this.#changedMs < this.#options.lateMs ? previous : "the job is over";
  }

  #mayUse(job: OpenJob, share: SubmittedShare, nonce: Uint8Array): boolean {
    const prefix = toHex(nonce.subarray(0, 4));
    if (share.prefixes.some((held) => toHex(u32ToBytes(held)) === prefix)) return true;
    return job.held.has(heldKey(Number.parseInt(prefix, 16), share));
  }
}

function heldKey(prefix: number, holder: Holder): string {
  return `${prefix} ${holder.user},${holder.worker}`;
}

function readNonce(text: string): Uint8Array | undefined {
  return /^(?:[0-9a-f]{2}){5,32}$/i.test(text) ? fromHex(text) : undefined;
}

function refused(code: RefusalCode, reason: string): ShareVerdict {
  return { kind: "refused", code, reason };
}
