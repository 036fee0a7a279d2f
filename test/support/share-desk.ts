/** A share desk with everything around it in the test's hands: clock, disk, books, gate; and a miner that finds true shares. */

import type { AcceptedShare } from "../../edge/shares/accepted-share.ts";
import type { ShareDeskOptions } from "../../edge/shares/interface.ts";
import { SESSIONS } from "../../edge/shares/prefix-order.ts";
import { Prefixes } from "../../edge/shares/prefixes.ts";
import { ShareDesk } from "../../edge/shares/share-desk.ts";
import type { GrantRequest, ShareVerdict, SubmittedShare } from "../../edge/stratum/backend.ts";
import { bytesToU64, concat, fromHex, toHex, u32ToBytes } from "../../shared/bytes.ts";
import type { Clock } from "../../shared/clock.ts";
import type { CodedError } from "../../shared/errors.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import { type Logger, SILENT } from "../../shared/logger.ts";
import { smallHasher } from "./hash/small-hasher.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";
import { type MemoryBooks, memoryBooks } from "./memory-books.ts";
import { type MemoryDisk, memoryDisk } from "./memory-disk.ts";
import { passUntil } from "./turns.ts";

/** 256 bytes of table: true LXR difficulties at hardly any cost. */
export const hasher8 = smallHasher(8);

export interface World {
  clock: ManualClock;
  disk: MemoryDisk;
  books: MemoryBooks;
  hasher: Hasher;
  accepted: AcceptedShare[];
  fatal: CodedError[];
  /** What was logged as an error, with its facts. */
  alarms: { readonly message: string; readonly facts: Record<string, unknown> | undefined }[];
  desk: ShareDesk;
}

/** `sessions`: how many prefixes the slot has, all where it is left out. */
export type WorldOptions = Partial<ShareDeskOptions> & { readonly sessions?: number };

export interface Found {
  nonce: Uint8Array;
  difficulty: bigint;
}

export const BLOCK_MS = 10_000;
const CUT_MS = 1_000;

export function world(disk: MemoryDisk = memoryDisk(), options: WorldOptions = {}, old?: World): World {
  const clock = old?.clock ?? manualClock();
  const made: Omit<World, "desk"> = {
    clock,
    disk,
    books: old?.books ?? memoryBooks(() => clock.monotonicMs()),
    hasher: hasher8,
    accepted: [],
    fatal: [],
    alarms: [],
  };
  const full: World = { ...made, desk: newDesk(() => full, options) };
  return full;
}

function newDesk(get: () => World, { sessions = SESSIONS, ...options }: WorldOptions): ShareDesk {
  // Read late, so that a test can change what it stands on.
  const now = (): World => get();
  const logger: Logger = { ...SILENT, error: (message, facts) => void now().alarms.push({ message, facts }) };
  return new ShareDesk(
    { folder: "/data", edgeId: "edge-a", blockMs: BLOCK_MS, cutEveryMs: CUT_MS, ...options },
    {
      get disk() {
        return now().disk;
      },
      get records() {
        return now().books;
      },
      get queue() {
        return now().books;
      },
      hasher: {
        bits: 8,
        hash: (inputs) => now().hasher.hash(inputs),
        canAcceptWork: () => now().hasher.canAcceptWork(),
        close: async () => undefined,
      },
      get clock() {
        return now().clock;
      },
      random: countingRandom(),
      logger,
      // In order from 0 on, so that a test can name them.
      prefixes: new Prefixes({ sessions, order: (n) => n % sessions }),
      onAccepted: (share) => now().accepted.push(share),
      onFatal: (error) => now().fatal.push(error),
    },
  );
}

function countingRandom(): (length: number) => Uint8Array {
  let next = 0;
  return (length) => {
    next += 1;
    return new Uint8Array(length).fill(next);
  };
}

export const never = new AbortController().signal;

/** The job's oprHash: the height over and over. */
export function oprHashOf(height: number): string {
  return toHex(u32ToBytes(height)).repeat(8);
}

/** Recovers the desk, and opens `height` when given (its job row is made first). In a new folder prefix 0 is alice's rig's, with target 0. */
export async function start(world: World, height?: number): Promise<void> {
  const isNew = world.disk.files().size === 0;
  await passUntil(world.clock, world.desk.recover(never));
  if (isNew) await granted(world);
  if (height !== undefined) await openJob(world, height);
}

export const ALICE = { user: "alice", worker: "rig" };

/** A prefix, alice's rig's with target 0 unless said otherwise. */
export async function granted(world: World, request: Partial<GrantRequest> = {}): Promise<number> {
  const asked = { target: 0n, holder: ALICE, measured: undefined, ...request };
  const grant = await passUntil(world.clock, world.desk.grantPrefix(asked));
  if (grant === undefined) throw new Error("no prefix was free");
  return grant.prefix;
}

export async function openJob(
  world: World,
  height: number,
  credit: "assigned" | "achieved" = "assigned",
  threshold?: bigint,
): Promise<void> {
  world.books.addJob(height);
  const job = { height, oprHash: oprHashOf(height), credit };
  await passUntil(
    world.clock,
    world.desk.openJob(threshold === undefined ? job : { ...job, threshold: `${threshold}` }),
  );
}

/** The `skip`-th nonce under `prefix` that reaches `target`. */
export async function mine(
  height: number,
  prefix: number,
  options: { target?: bigint; skip?: number } = {},
): Promise<Found> {
  let skip = options.skip ?? 0;
  for (let counter = 0; ; counter++) {
    const nonce = concat(u32ToBytes(prefix), u32ToBytes(counter));
    const [hash] = await hasher8.hash([concat(fromHex(oprHashOf(height)), nonce)]);
    const difficulty = bytesToU64(hash ?? new Uint8Array(8));
    if (difficulty >= (options.target ?? 0n) && skip-- === 0) return { nonce, difficulty };
  }
}

/** The first three nonces under `prefix`, at target 0. */
export async function mineThree(height: number, prefix: number): Promise<readonly [Found, Found, Found]> {
  return [
    await mine(height, prefix),
    await mine(height, prefix, { skip: 1 }),
    await mine(height, prefix, { skip: 2 }),
  ];
}

/** A submit as a session of `user.worker` sends it now. */
export function submission(
  world: { clock: Clock },
  height: number,
  found: Found,
  changes: Partial<SubmittedShare> = {},
): SubmittedShare {
  return {
    user: "alice",
    worker: "rig",
    sessionId: "s1",
    remoteAddress: "127.0.0.1",
    jobId: String(height),
    nonce: toHex(found.nonce),
    oprHash: oprHashOf(height),
    target: found.difficulty.toString(16),
    readAtMs: world.clock.monotonicMs(),
    ...changes,
  };
}

/** "accepted", the code of a refusal, or "unavailable". */
export function word(verdict: ShareVerdict): string {
  return verdict.kind === "refused" ? verdict.code : verdict.kind;
}

export async function submit(world: World, share: SubmittedShare): Promise<string> {
  return word(await passUntil(world.clock, world.desk.submit(share)));
}

/** A new process on what the old one left; the books stay. */
export function restarted(old: World, options: WorldOptions = {}, kind: "kill" | "power" = "kill"): World {
  return world(old.disk.afterCrash(kind), options, old);
}

export async function drain(world: World): Promise<void> {
  await passUntil(world.clock, world.desk.drain(never));
}

/** What the books have of a worker in a job. */
export function sharesOf(w: World, job: number, user = "alice", worker = "rig"): number {
  return w.books.sums().get(`${job} ${user} ${worker}`)?.shares ?? 0;
}
