import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runSynth, STAGE_CONTEXTS } from "../../support/aws/synth-process.ts";

describe("a synthesis under cdk-nag", () => {
  it.each(["try", "dev", "small", "prod", "large", "local"] as const)(
    "of %s has no finding that is not acknowledged",
    async (stage) => {
      const { exitCode, stderr, outDir } = await runSynth(STAGE_CONTEXTS[stage]);
      expect(stderr).not.toContain("ERROR");
      expect(stderr).not.toContain("AwsSolutions");
      expect(exitCode).toBe(0);
      const manifest: { artifacts: Record<string, { type: string }> } = JSON.parse(
        readFileSync(join(outDir, "manifest.json"), "utf8"),
      );
      const stacks = Object.values(manifest.artifacts).filter(
        ({ type }) => type === "aws:cloudformation:stack",
      );
      expect(stacks).toHaveLength(stage === "local" ? 1 : stage === "try" ? 7 : 6);
    },
  );

  it("fails where a finding stands: the checks do run", async () => {
    const { exitCode, stderr } = await runSynth({ ...STAGE_CONTEXTS.dev, withoutAcknowledgements: true });
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("AwsSolutions-EC23");
  });

  it("says in one line what is missing", async () => {
    const { exitCode, stderr } = await runSynth({ stage: "prod" });
    expect(exitCode).not.toBe(0);
    expect(stderr.trim().split("\n").at(-1)).toMatch(/^stage prod has no factomd: pass -c factomd=/);
  });
});
