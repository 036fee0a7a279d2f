/** Every message and file that comes from outside, mutated: a parser answers, or refuses with one of its own errors; nothing else. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CodedError } from "../../../shared/errors.ts";
import type { Chance } from "../../support/random.ts";
import { mutateBytes, mutateJson, mutateText } from "./mutate.ts";
import { checkUnpolluted, type Part } from "./report.ts";
import { dataApiTarget, factomdTarget, pegnetdTarget, priceTargets } from "./targets/answers.ts";
import { chainTargets } from "./targets/chain.ts";
import { edgeTargets } from "./targets/edge.ts";
import { fileTargets } from "./targets/files.ts";
import { lambdaTargets } from "./targets/lambda.ts";
import type { Input, Target } from "./targets/target.ts";

export async function parsersPart(chance: Chance): Promise<Part> {
  const folder = mkdtempSync(join(tmpdir(), "prosper-fuzz-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const targets = [
    ...(await edgeTargets(chance)),
    ...(await fileTargets(folder, chance)),
    ...lambdaTargets(chance),
    ...chainTargets(),
    ...priceTargets(),
    factomdTarget(chance),
    pegnetdTarget(chance),
    await dataApiTarget(chance),
  ];
  const drawn = targets.flatMap((target) => Array<Target>(Math.round((target.share ?? 1) * 20)).fill(target));
  return {
    name: "parsers",
    async run(count, done) {
      const counts = new Map<string, { taken: number; refused: number }>();
      for (let at = 0; at < count; at++) {
        const target = chance.pick(drawn);
        const input = draw(target, chance);
        const tally = counts.get(target.name) ?? { taken: 0, refused: 0 };
        counts.set(target.name, tally);
        try {
          await target.parse(input);
          tally.taken += 1;
        } catch (error) {
          if (!(error instanceof CodedError)) throw described(target, input, error);
          tally.refused += 1;
        }
        if (at % 100 === 0) {
          checkUnpolluted();
          await new Promise((resolve) => setImmediate(resolve));
        }
        done(1);
      }
      console.log(
        `           ${counts.size} parsers: ${[...counts.keys()].sort((a, b) => (a < b ? -1 : 1)).join(", ")}`,
      );
    },
  };
}

function described(target: Target, input: Input, error: unknown): Error {
  const shown =
    typeof input === "string"
      ? JSON.stringify(input.slice(0, 2_000))
      : Buffer.from(input).toString("hex").slice(0, 4_000);
  return new Error(`${target.name} threw on ${shown}`, { cause: error });
}

function draw({ seeds }: Target, chance: Chance): Input {
  const seed = chance.pick(seeds);
  if (typeof seed !== "string") return mutateBytes(seed, chance);
  const kind = chance.whole(0, 9);
  if (kind < 5) return mutateJson(seed, chance);
  if (kind < 9) return mutateText(seed, chance);
  return Buffer.from(mutateBytes(Buffer.from(seed), chance)).toString();
}
