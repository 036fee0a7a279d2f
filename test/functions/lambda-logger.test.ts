import { describe, expect, it } from "vitest";
import { countBooks } from "../../functions/accounting/metrics.ts";
import { createLambdaLog } from "../../functions/lambda-logger.ts";
import type { SealedBlock } from "../../shared/db/seals.ts";
import { METRIC_NAMESPACE } from "../../shared/embedded-metrics.ts";
import { CodedError } from "../../shared/errors.ts";

function open(level: "info" | "warn" = "info") {
  const lines: string[] = [];
  const log = createLambdaLog(
    { level, functionName: "prosper-test-accounting" },
    { nowMs: () => 1_700_000_000_000, write: (line) => lines.push(line) },
  );
  return { ...log, lines, last: () => JSON.parse(lines.at(-1) ?? "{}") };
}

describe("a Lambda's log", () => {
  it("is one JSON line an entry, with the function, the facts and an error's stack", () => {
    const { logger, lines, last } = open();
    logger.error("It went wrong", { error: new CodedError("db-away", "no answer"), height: 7 });
    expect(lines).toHaveLength(1);
    expect(last()).toMatchObject({
      level: "error",
      function: "prosper-test-accounting",
      msg: "It went wrong",
      height: 7,
      error: { message: "no answer", stack: expect.stringContaining("no answer") },
    });
  });

  it("leaves out what is below its level and every secret", () => {
    const { logger, lines, last } = open("warn");
    logger.info("quiet", {});
    expect(lines).toHaveLength(0);
    logger.warn("login", { password: "hunter2", request: { invite: "code-1" } });
    expect(lines.join("")).not.toMatch(/hunter2|code-1/);
    expect(last().password).toBe("[Redacted]");
  });

  it("counts in the form that CloudWatch reads from logs", () => {
    const { count, last } = open();
    count({ Applied: 1, LateWork: 2 });
    expect(last()).toEqual({
      _aws: {
        Timestamp: 1_700_000_000_000,
        CloudWatchMetrics: [
          {
            Namespace: METRIC_NAMESPACE,
            Dimensions: [["Function"]],
            Metrics: [
              { Name: "Applied", Unit: "Count" },
              { Name: "LateWork", Unit: "Count" },
            ],
          },
        ],
      },
      Function: "prosper-test-accounting",
      Applied: 1,
      LateWork: 2,
    });
  });
});

describe("the books' events", () => {
  it("are counted: late work, conflicts and forced seals for the alarms", () => {
    const counted: unknown[] = [];
    const listen = countBooks((metrics) => void counted.push(metrics));
    listen({ kind: "applied", message: "delta", late: false });
    listen({ kind: "applied", message: "delta", late: true });
    listen({ kind: "dup" });
    listen({ kind: "rejected", code: "summary-conflict" });
    listen({ kind: "rejected", code: "summary-malformed" });
    listen({ kind: "forced", height: 1, missing: [] });
    const money = { reward: 0n, fee: 0n, paid: 0n, carriedIn: 0n, carried: 0n };
    const block: SealedBlock = { height: 1, shares: 0n, winning: 0, ...money, forced: false, root: "" };
    listen({ kind: "sealed", block });
    expect(counted).toEqual([
      { Applied: 1 },
      { Applied: 1, LateWork: 1 },
      { Duplicates: 1 },
      { Rejected: 1, Conflicts: 1 },
      { Rejected: 1 },
      { ForcedSeals: 1 },
      { SealedBlocks: 1 },
    ]);
  });
});
