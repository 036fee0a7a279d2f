/** Each known defect of the Go pool has a test named after it: `[G1]` … `[G20]`, and `[P1]` … `[P11]` (the lists are in docs/defects.md). */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const TITLES = /\b(?:it|describe)(?:\.each)?\b[^"`]*?["`]([^"`]*\[[GP]\d+\][^"`]*)["`]/gs;

function tagsInTests(): Set<string> {
  const tags = new Set<string>();
  for (const file of readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".test.ts") || file === "docs/defects.test.ts") continue;
    for (const [, title = ""] of readFileSync(join(ROOT, "test", file), "utf8").matchAll(TITLES))
      for (const [tag] of title.matchAll(/[GP]\d+(?=\])/g)) tags.add(tag);
  }
  return tags;
}

describe("the Go pool's defects", () => {
  it("have a test each, and every name of one is in the list", () => {
    const page = readFileSync(join(ROOT, "docs/defects.md"), "utf8");
    const listed = [...page.matchAll(/^\| ([GP]\d+) \|/gm)].map(([, tag = ""]) => tag);

    expect(listed).toHaveLength(31);
    expect([...tagsInTests()].sort(byNumber)).toEqual(listed.sort(byNumber));
  });
});

function byNumber(a: string, b: string): number {
  return a[0] === b[0] ? Number(a.slice(1)) - Number(b.slice(1)) : a < b ? -1 : 1;
}
