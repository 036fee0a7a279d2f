import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Stage {
  readonly from: string;
  readonly platform: string | undefined;
  readonly name: string | undefined;
  readonly instructions: readonly string[];
}

const text = readFileSync(new URL("../../../edge/Dockerfile", import.meta.url), "utf8");
const stages = text
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll("\\\n", " ")
  .split(/^(?=FROM )/m)
  .filter((part) => part.startsWith("FROM "))
  .map((part): Stage => {
    const [first = "", ...rest] = part.trim().split("\n");
    const [, , platform, from = "", , name] =
      /^FROM (--platform=(\S+) )?(\S+)( AS (\S+))?$/.exec(first) ?? [];
    return { from, platform, name, instructions: rest.map((line) => line.split(" ")[0] ?? "") };
  });

/** Of a stage's base image: a stage that continues another has that one's. */
function platformOf(stage: Stage): string | undefined {
  const before = stages.find(({ name }) => name === stage.from);
  return before === undefined ? stage.platform : platformOf(before);
}

it("runs nothing of another processor than the builder's, so that no emulator is needed", () => {
  const runs = stages.filter(({ instructions }) => instructions.includes("RUN"));

  expect(runs.length).toBeGreaterThan(3);
  for (const stage of runs) expect(platformOf(stage), stage.name).toBe("$BUILDPLATFORM");
});

it("is at last what it is built for, and says so to builders that would take the platform of an earlier stage", () => {
  const last = stages.at(-1);

  expect(last?.platform).toBe("$TARGETPLATFORM");
  expect(last?.instructions).not.toContain("RUN");
});
