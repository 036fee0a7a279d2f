/** `npm run test:strategies [-- --hashes N --seed S --only TEXT]`: plays every strategy against a pool and says what it was paid for its hashes. */

import { parseArgs } from "node:util";
import { installMutation } from "../../support/mutations/mutations.ts";
import type { Luck } from "./mixer.ts";
import type { Strategy } from "./strategy.ts";

const { values } = parseArgs({
  options: {
    hashes: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    /** Strategies whose name has this. */
    only: { type: "string", default: "" },
    /** Puts back the fault that prefixes are given out in order. */
    predictable: { type: "boolean", default: false },
    /** One of the faults in test/support/mutations/mutations.ts, put into the code. */
    mutate: { type: "string" },
  },
});

if (values.mutate !== undefined) installMutation(values.mutate);
// After the mutation is in place.
const { tryStrategy } = await import("./law.ts");
const { STRATEGIES } = await import("./strategies.ts");
const { changeEdges, OFFLINE_MS } = await import("./changes.ts");
const { tableLuck } = await import("./table.ts");

const hashes = Number(values.hashes);
const seed = Number(values.seed);
let broken = 0;
console.log(line("strategy", "made while told", "other hashes", "credited", "ratio", "σ", "z", "verdict"));
for (const strategy of STRATEGIES) await play(strategy, {});
const luck = tableLuck(8);
for (const strategy of STRATEGIES.slice(0, 1))
  await play({ ...strategy, name: `${strategy.name}, on a true table of 8 bits` }, { luck });
for (const [toOther, name] of [
  [false, "the same edge"],
  [true, "another edge"],
] as const) {
  if (values.only !== "") break;
  const { changes, made, lost } = await changeEdges(toOther, { seed, hashes: hashes / 4 });
  console.log(
    `an honest miner cut ${changes} times for ${OFFLINE_MS} ms and back at ${name}: lost ${((100 * lost) / made).toFixed(1)} % of ` +
      `${made} hashes, ${Math.round(lost / changes)} a change`,
  );
}
console.log(broken === 0 ? "the law holds" : `the law is broken by ${broken} strategies`);
process.exit(broken === 0 ? 0 : 1);

async function play(strategy: Strategy, options: { readonly luck?: Luck }): Promise<void> {
  if (!strategy.name.includes(values.only)) return;
  const result = await tryStrategy(strategy, { hashes, seed, isPredictable: values.predictable, ...options });
  const { name, made, untold, credited, ratio, sigma, z, verdict } = result;
  const percent = `${((100 * sigma) / made).toFixed(1)} %`;
  console.log(line(name, made, untold, credited, ratio.toFixed(3), percent, z.toFixed(1), verdict));
  if (verdict.startsWith("TOO")) broken += 1;
}

function line(name: string, ...cells: readonly (string | number)[]): string {
  return [name.padEnd(62), ...cells.map((cell) => String(cell).padStart(15))].join("");
}
