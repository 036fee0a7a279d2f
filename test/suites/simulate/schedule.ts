/** One schedule: a world drawn from a seed, broken for some blocks, mended, drained, and judged after every step. */

import { drawPlan, type Plan } from "../../support/mutations/faults.ts";
import { Chance } from "../../support/random.ts";
import { turn } from "./time.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

export interface ScheduleResult {
  readonly seed: number;
  readonly steps: number;
  /** Simulated milliseconds. */
  readonly simulatedMs: number;
  /** Shares that miners were told are counted. */
  readonly acks: number;
  /** Of all that happened: two runs of a seed have the same. */
  readonly digest: string;
  readonly violation: Violation | undefined;
  readonly plan: Plan;
}

/** Simulated time in which a mended world must have drained: leases, resends and the deadline come after one another. */
const DRAIN_MS = 400_000;
const BOUNDS_EVERY = 64;

export async function runSchedule(
  seed: number,
  options: {
    readonly log?: (line: string) => void;
    /** Circumstances that are not drawn. */
    readonly plan?: Partial<Plan> | undefined;
  } = {},
): Promise<ScheduleResult> {
  const chance = new Chance(seed);
  const plan = { ...drawPlan(chance), ...options.plan };
  const world = new World(plan, chance);
  const { log } = options;
  if (log !== undefined) world.trace.log = (line) => log(`${world.time.nowMs.toFixed(1)} ${line}`);
  let steps = 0;
  const step = async (): Promise<void> => {
    world.time.step();
    await turn();
    steps += 1;
    world.oracle.check();
    if (steps % BOUNDS_EVERY === 0) world.checkBounds();
    if (world.violation !== undefined) throw world.violation;
  };
  let violation: Violation | undefined;
  try {
    world.begin();
    const top = world.chain.top + plan.blocks;
    const endMs = (plan.blocks + 8) * 10_000;
    while (world.chain.top < top && world.time.nowMs < endMs) await step();
    world.heal();
    const drainByMs = world.time.nowMs + DRAIN_MS;
    // Some blocks more, so that the last job with shares can be sealed.
    const settled = world.chain.top + 3;
    while (world.chain.top < settled || !world.isDrained()) {
      if (world.time.nowMs > drainByMs)
        throw new Violation(`not drained after ${DRAIN_MS} ms: ${world.obstacle()}`);
      await step();
    }
    world.oracle.finish();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
  }
  const result = {
    ...{ seed, steps, violation, plan },
    simulatedMs: world.time.nowMs,
    acks: world.oracle.credits.acks,
    digest: world.trace.digest(),
  };
  world.dispose();
  await turn();
  return result;
}
