/** The rooms of test/: what mirrors a source, what is a suite of its own, what they share, and what each of the npm scripts runs. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import config from "../../vitest.config.ts";

const ROOT = join(import.meta.dirname, "../..");
const TEST = join(ROOT, "test");
const IMPORT = /\bfrom "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)|^import "(\.[^"]+)"/gm;
const scripts = v.parse(
  v.object({ scripts: v.record(v.string(), v.string()) }),
  JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")),
).scripts;
const projects = v.parse(
  v.array(v.object({ test: v.looseObject({ name: v.string() }) })),
  config.test?.projects,
);
const sources = readdirSync(TEST, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".ts"),
);

/** `suites/NAME` for a suite, else the first folder. */
function roomOf(file: string): string {
  const [first = "", second = ""] = file.split("/");
  return first === "suites" ? `${first}/${second}` : first;
}

/** What a file of test/ imports from test/, as paths in it. */
function importsWithin(file: string): string[] {
  return [...readFileSync(join(TEST, file), "utf8").matchAll(IMPORT)]
    .map(([, named, called, bare]) => join(dirname(file), named ?? called ?? bare ?? ""))
    .filter((path) => !path.startsWith(".."));
}

describe("a room of test/", () => {
  it("imports from no other but test/support, which imports from none", () => {
    const across = sources.flatMap((file) =>
      importsWithin(file)
        .filter((path) => ![roomOf(file), "support"].includes(roomOf(path)))
        .map((path) => `test/${file} imports test/${path}`),
    );

    expect(sources.flatMap(importsWithin).length).toBeGreaterThan(300);
    expect(across).toEqual([]);
  });

  it("is a mirror, a suite, a bench, the load programs or what they share", () => {
    expect(new Set(sources.map((file) => file.split("/")[0]))).toEqual(
      new Set(["bench", "docs", "edge", "functions", "infra", "load", "shared", "suites", "support"]),
    );
  });

  it("mirrors a folder that there is", () => {
    const folders = new Set(
      sources
        .filter((file) => /^(?:docs|edge|functions|infra|shared)\/.*\.test\.ts$/.test(file))
        .map((file) => dirname(file)),
    );

    expect([...folders].filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
  });
});

describe("an npm script", () => {
  it.each(projects.map(({ test }) => test.name))("%s runs the project of its name", (name) => {
    expect(scripts[name]).toBe(`node infra/launch/node.mjs vitest run --project ${name}`);
  });

  it("runs each suite, but for flow, which is quick enough for npm test", () => {
    const named = Object.keys(scripts)
      .filter((name) => name.startsWith("test:"))
      .map((name) => name.replace("test:", "").replaceAll(":", "-"));
    const rooms = new Set(sources.map(roomOf));
    const suites = [...rooms].filter((room) => room.startsWith("suites/")).map((room) => basename(room));

    expect(suites.filter((suite) => !named.includes(suite))).toEqual(["flow"]);
    // test:upkeep and test:deep run files of the mirrors.
    expect(named.filter((name) => !suites.includes(name))).toEqual(["upkeep", "deep", "load"]);
  });

  it.each(Object.entries(scripts).filter(([, command]) => /\btest\/\S+\.ts$/.test(command)))(
    "%s starts a program that there is",
    (name, command) => {
      const program = command.split(" ").at(-1) ?? "";
      const folder = relative("test", dirname(program)).replace("suites/", "");

      expect(existsSync(join(ROOT, program))).toBe(true);
      expect(name).toBe(folder === "bench" ? "bench" : `test:${folder}`);
    },
  );
});

describe("no test", () => {
  it("is tried a second time: neither a project's settings nor a test's own say so", () => {
    const again = sources.filter(
      (file) =>
        !file.startsWith("support/") && /\bretry: *[\d{]/.test(readFileSync(join(TEST, file), "utf8")),
    );

    expect(projects.filter(({ test }) => test["retry"] !== undefined)).toEqual([]);
    expect(again).toEqual([]);
  });
});
