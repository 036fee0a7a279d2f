import { describe, expect, it } from "vitest";
import { composeMessage, type DueKind } from "../../../shared/alerts/message.ts";

const T = Date.parse("2026-11-29T10:00:00Z");

function offline(count: number, name = (n: number): string => `rig${n}`): DueKind {
  const first = Array.from({ length: Math.min(5, count) }, (_, n) => ({
    ...{
      subject: name(n),
      version: 1,
      atMs: T + 300_000,
      sinceMs: T + n,
      details: "",
      events: 1,
      amount: 0n,
    },
  }));
  return { kind: "offline", count, firstMs: T, first };
}

describe("a message", () => {
  it("tells of each rig by itself up to five", () => {
    expect(composeMessage("Pool", "ann", [offline(1)])).toEqual({
      title: "Pool: rig rig0 offline",
      lines: ["Rig rig0 offline: no share since 2026-11-29 10:00 UTC.", "You are told this as ann."],
    });
    expect(composeMessage("Pool", "ann", [offline(5)]).lines).toHaveLength(6);
  });

  it("tells of a farm in one line, with the number and the first names", () => {
    expect(composeMessage("Pool", "ann", [offline(2841)])).toEqual({
      title: "Pool: 2841 rigs offline",
      lines: [
        "2841 rigs offline: rig0, rig1, rig2, rig3, rig4 and 2836 more; the first: no share since 2026-11-29 10:00 UTC.",
        "You are told this as ann.",
      ],
    });
  });

  it("holds what a miner called its rig on one line and in bounds", () => {
    const { title, lines } = composeMessage("Pool", "ann", [
      offline(1, () => `a\r\nBcc: all@example.com\u2028${"x".repeat(200)}`),
    ]);

    expect(`${title}${lines.join("")}`).not.toMatch(/[\p{Cc}\p{Zl}]/u);
    expect(title.length).toBeLessThan(120);
  });
});
