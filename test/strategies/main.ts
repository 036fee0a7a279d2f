/** `npm run strategies [-- --hashes N --seed S --only TEXT]`: plays every strategy against a pool and says what it was paid for its hashes. */

import { parseArgs } from "node:util";
import { tryStrategy } from "./law.ts";
import { STRATEGIES } from "./strategies.ts";

const { values } = parseArgs({
  options: {
    hashes: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    /** Strategies whose name has this. */
    only: { type: "string", default: "" },
    /** Puts back the fault that prefixes are given out in order. */
    predictable: { type: "boolean", default: false },
  },
});

const hashes = Number(values.hashes);
const seed = Number(values.seed);
let broken = 0;
console.log(line("strategy", "made while told", "other hashes", "credited", "ratio", "σ", "z", "verdict"));
for (const strategy of STRATEGIES.filter(({ name }) => name.includes(values.only))) {
  const result = await tryStrategy(strategy, { hashes, seed, isPredictable: values.predictable });
  const { name, made, untold, credited, ratio, sigma, z, verdict } = result;
  const percent = `${((100 * sigma) / made).toFixed(1)} %`;
  console.log(line(name, made, untold, credited, ratio.toFixed(3), percent, z.toFixed(1), verdict));
  if (verdict.startsWith("TOO")) broken += 1;
}
console.log(broken === 0 ? "the law holds" : `the law is broken by ${broken} strategies`);
process.exit(broken === 0 ? 0 : 1);

function line(name: string, ...cells: readonly (string | number)[]): string {
  return [name.padEnd(62), ...cells.map((cell) => String(cell).padStart(15))].join("");
}
