/** `npm run test:simulate [-- --seed S --steps N]`: schedules from seed S on until N steps are done; a failing one is named so that it can be replayed. */

import { parseArgs } from "node:util";
import { installMutation, planOf } from "../../support/mutations/mutations.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: "2000000" },
    /** Steps between two lines. */
    every: { type: "string", default: "250000" },
    /** Schedules at most. */
    schedules: { type: "string" },
    /** One of the faults in mutations.ts, put into the code. */
    mutate: { type: "string" },
    /** The circumstances of one of these faults, without the fault: nothing may be found. */
    circumstances: { type: "string" },
    /** Prints all that happens: for one seed. */
    log: { type: "boolean", default: false },
  },
});

const SEED = Number(values.seed);
const STEPS = Number(values.steps);
const EVERY = Number(values.every);
const SCHEDULES = values.schedules === undefined ? Number.POSITIVE_INFINITY : Number(values.schedules);
if (![SEED, STEPS, EVERY].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  console.error("usage: npm run test:simulate -- [--seed S] [--steps N] [--every N] [--schedules N] [--log]");
  process.exit(2);
}
if (values.mutate !== undefined) installMutation(values.mutate);
const plan = planOf(values.mutate ?? values.circumstances);
// After the mutation is in place.
const { runSchedule } = await import("./schedule.ts");

let seed = SEED;
process.on("unhandledRejection", (reason) => {
  console.error(reason);
  end(`an unhandled rejection: ${String(reason)}`);
});

let steps = 0;
let schedules = 0;
let acks = 0;
let simulatedMs = 0;
let nextLine = EVERY;
const startMs = performance.now();
while (steps < STEPS && schedules < SCHEDULES) {
  const log = values.log ? { log: (line: string) => console.log(line) } : {};
  const result = await runSchedule(seed, { ...log, plan });
  steps += result.steps;
  acks += result.acks;
  simulatedMs += result.simulatedMs;
  schedules += 1;
  if (result.violation !== undefined) end(result.violation.message);
  if (values.log) console.log(`plan ${JSON.stringify(result.plan)}\ntrace ${result.digest}`);
  if (steps >= nextLine) {
    report();
    nextLine += EVERY * Math.ceil((steps - nextLine + 1) / EVERY);
  }
  seed += 1;
}
report();
console.log("every invariant held after every step");
process.exit(0);

function report(): void {
  const seconds = (performance.now() - startMs) / 1000;
  const hours = simulatedMs / 3_600_000;
  console.log(
    `${steps} steps, ${schedules} schedules (seeds ${SEED} to ${SEED + schedules - 1}), ${acks} shares acknowledged, ` +
      `${hours.toFixed(1)} simulated hours; ${Math.round(steps / seconds)} steps/s, ${(simulatedMs / 1000 / seconds).toFixed(0)} times real time`,
  );
}

function end(why: string): never {
  console.error(`seed ${seed} failed: ${why}`);
  const { mutate, circumstances } = values;
  const given = Object.entries({ mutate, circumstances }).flatMap(([option, name]) =>
    name === undefined ? [] : ` --${option} ${name}`,
  );
  console.error(`replay: npm run test:simulate -- --seed ${seed} --schedules 1 --log${given.join("")}`);
  process.exit(1);
}
