/** Seals jobs in height order, as far as their rewards and work are in (docs/design.md, "Sealing"). Any number may run at once. */

import { feeRate } from "../../shared/accounting/fee.ts";
import {
  attemptId,
  decideSeal,
  isOverdue,
  type SealCandidate,
  type SealWait,
  settleReward,
} from "../../shared/accounting/seal.ts";
import type { Clock } from "../../shared/clock.ts";
import { unparkDeltas } from "../../shared/db/deltas.ts";
import { keepGroups } from "../../shared/db/leaf-groups.ts";
import type { Db } from "../../shared/db/port.ts";
import {
  closeJob,
  draftPayouts,
  lookAfterJobs,
  readLeaves,
  readSealed,
  type SealedBlock,
  sealCandidate,
  sealJob,
} from "../../shared/db/seals.ts";
import type { WorkerLimits } from "../../shared/db/workers.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { BooksListener } from "./events.ts";

export interface SealerOptions {
  /** How long after a job was seen closed its missing work is waited for: 30 min, on the devnet max(3 blocks, 30 s). */
  readonly deadlineMs: number;
}

export interface SealerModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onEvent?: BooksListener;
  /** The same as for applying messages. */
  readonly workerLimits?: WorkerLimits;
}

export interface Sealer {
  /** Seals all that can be sealed and returns it. A call during a run begins another one after it. Rejects when the database does. */
  run(): Promise<SealedBlock[]>;
}

export function createSealer(options: SealerOptions, modules: SealerModules): Sealer {
  let running: Promise<SealedBlock[]> | undefined;
  let next: Promise<SealedBlock[]> | undefined;
  const overdue = watchOverdue(options, modules);
  const start = (): Promise<SealedBlock[]> => {
    const run = sealAll(options, modules, overdue).finally(() => {
      if (running === run) running = undefined;
    });
    running = run;
    return run;
  };
  return {
    run() {
      if (running === undefined) return start();
      // The running one may miss what arrived after it looked. One more run serves all who ask meanwhile.
      next ??= running
        .catch(() => [])
        .then(() => {
          next = undefined;
          return start();
        });
      return next;
    },
  };
}

type WatchOverdue = (candidate: SealCandidate, waitsFor: SealWait) => void;

/** For a job that waits too long for its seal: logs it once, and reports it at every run. */
function watchOverdue({ deadlineMs }: SealerOptions, modules: SealerModules): WatchOverdue {
  const { logger, onEvent } = modules;
  let told: number | undefined;
  return (candidate, waitsFor) => {
    if (!isOverdue(candidate, deadlineMs)) return;
    const { height } = candidate;
    if (told !== height) logger.error("A job waits to be sealed for too long", { height, waitsFor });
    told = height;
    onEvent?.({ kind: "overdue", height, waitsFor });
  };
}

async function sealAll(
  options: SealerOptions,
  modules: SealerModules,
  overdue: WatchOverdue,
): Promise<SealedBlock[]> {
  const { db } = modules;
  const sealed: SealedBlock[] = [];
  await lookAfterJobs(db, options.deadlineMs);
  for (;;) {
    await unparkDeltas(db, modules.workerLimits);
    const candidate = await sealCandidate(db);
    if (candidate === undefined) return sealed;
    const decision = decideSeal(candidate, options.deadlineMs);
    if (decision.kind === "wait") {
      overdue(candidate, decision.reason);
      return sealed;
    }
    const outcome = await sealOne(candidate, decision.forced, modules);
    if (outcome === undefined) return sealed;
    if (outcome !== "already") sealed.push(outcome);
  }
}

/** Undefined when the job could not be closed after all: somebody else has changed the books since. The next run looks again. */
async function sealOne(
  candidate: SealCandidate,
  forced: boolean,
  modules: SealerModules,
): Promise<SealedBlock | "already" | undefined> {
  const { db, clock, logger, onEvent } = modules;
  const { height, missing } = candidate;
  const frozen = await closeJob(db, height, forced);
  if (frozen === undefined) return undefined;
  if (frozen.state === "sealed") return "already";
  if (forced) {
    logger.error("A job is sealed by the deadline though work of edges is missing", { height, missing });
    onEvent?.({ kind: "forced", height, missing });
  }
  const leaves = await readLeaves(db, height);
  const settlement = settleReward({
    height,
    leaves,
    reward: frozen.reward,
    carriedIn: frozen.carriedIn,
    rate: feeRate(frozen.rate),
    split: frozen.split,
  });
  // The name comes from the content: attempts with the same result share their drafts, and those of a crashed attempt do not stay for long.
  const attempt = attemptId(settlement);
  if (!(await draftPayouts(db, height, attempt, settlement.users))) return "already";
  await keepGroups(db, height, settlement.groups);
  const seal = { height, attempt, leaves: leaves.length, settlement, nowMs: clock.wallMs() };
  if ((await sealJob(db, seal)) === "already") return "already";
  const block = await readSealed(db, height);
  if (block === undefined)
    throw new CodedError("seal-mismatch", `job ${height} is sealed but cannot be read`);
  logger.info("Sealed a job", { ...block });
  onEvent?.({ kind: "sealed", block });
  return block;
}
