/** The operator's guide and the runbook: what rings has an entry, what is typed exists, what is shipped is named. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildProgram } from "../../infra/cli/program.ts";
import { loadConfig } from "../../infra/config/load.ts";
import { CHECKS } from "../../infra/doctor/doctor.ts";
import { edgeOptions } from "../../infra/pool/pool-settings.ts";
import { guideBlocks } from "../support/guide.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const runbook = read("docs/runbook.md");
const guide = read("docs/operating.md");

describe("the runbook", () => {
  const alerts = [...read("infra/monitoring/alerts.yml").matchAll(/^ {6}- alert: (\w+)$/gm)].map(
    ([, name = ""]) => name,
  );

  it("has an entry for each alert, which the alert names", () => {
    const rules = read("infra/monitoring/alerts.yml");
    expect(alerts.length).toBeGreaterThan(15);
    for (const name of alerts) {
      expect(runbook, `docs/runbook.md: a heading "## ${name}", with what to do`).toMatch(
        new RegExp(`^## ${name}\\n\\S.{30,}`, "m"),
      );
      expect(rules, `${name}: an annotation`).toContain(`runbook: docs/runbook.md#${name.toLowerCase()}\n`);
    }
  });

  it("has a line for each check of the doctor, and for no other", () => {
    const [, table = ""] = runbook.split("## Findings of the doctor\n");
    const rows = [...table.matchAll(/^\| `([^`]+)` \| .{20,} \|$/gm)].map(([, name = ""]) => name);

    expect(rows, 'docs/runbook.md, "Findings of the doctor"').toEqual(CHECKS.map(({ name }) => name));
  });
});

describe("the guide", () => {
  const program = buildProgram({ env: {} });
  const lines = guideBlocks().flatMap(({ text }) => text.split("\n"));

  it("says of each block whose it is", () => {
    const fences = [...guide.matchAll(/^```sh$/gm)];
    expect(fences.length).toBeGreaterThan(12);
    expect(guideBlocks().filter(({ who }) => ["root", "prosper", "own"].includes(who))).toHaveLength(
      fences.length,
    );
  });

  it("types only commands and flags that there are", () => {
    const typed = lines.flatMap((line) =>
      [...line.matchAll(/(?:^|main\.ts --config \S+ )(?:prosper )?([a-z].*)/g)]
        .filter(([whole]) => /^prosper [a-z]|main\.ts/.test(whole))
        .map(([, words = ""]) => words.split(/\s+/)),
    );
    expect(typed.length).toBeGreaterThan(12);
    for (const words of typed) expectKnown(words);
  });

  it.each([
    "README.md",
    "docs/runbook.md",
    "docs/operating.md",
    "docs/aws.md",
    "docs/proofs.md",
    "docs/testing.md",
  ])("and %s names only such ones within its sentences", (page) => {
    const named = [...read(page).matchAll(/`(?:npx )?prosper ((?:[a-z]|--)[^`]*)`/g)];
    expect(named.length).toBeGreaterThan(0);
    for (const [, words = ""] of named) expectKnown(words.split(/\s+/));
  });

  function expectKnown(words: readonly string[]): void {
    let command = program;
    for (const word of words) command = command.commands.find((each) => each.name() === word) ?? command;
    if (!words[0]?.startsWith("--")) expect(command, words.join(" ")).not.toBe(program);
    const known = [...command.options, ...program.options].flatMap(({ long, short }) => [long, short]);
    for (const word of words.filter((each) => each.startsWith("--")))
      expect(known, words.join(" ")).toContain(word.replace(/[=,.:)]*$/, ""));
  }

  it("names every file that is shipped for it", () => {
    for (const name of readdirSync(join(ROOT, "infra/standalone"))) {
      const isUnit = /\.(?:service|timer)$/.test(name);
      expect(guide).toContain(isUnit ? `infra/standalone/*.${name.split(".")[1]}` : name);
      if (isUnit && !name.endsWith("backup.service") && !name.endsWith("prove.service"))
        expect(guide).toMatch(new RegExp(`enable --now .*\\b${name.replace(".service", "")}\\b`));
    }
  });
});

describe("the shipped configuration", () => {
  it("lacks the address and the key that are nobody's, and nothing else", () => {
    const path = join(ROOT, "infra/standalone/prosper-pool.toml");
    expect(() => loadConfig(path, { required: true })).toThrow("pool.oprcoinbase");

    const fa = "FA3bjkbnuXwGbpAQpDa9f3SNwASURwVjA5ZzqzBNeDJKUy3dW4Ay";
    const es = "Es2S6m4BsS73KTyBZYyxPtkNx4k4SY3M5Ug3EvgrnaT22UL3EXcY";
    const own = (key: string, value: string) => ({ section: "pool", key, value, from: "the test" });
    const overrides = [own("oprcoinbase", fa), own("esaddress", es)];
    const noFiles = ["tlscert", "tlskey"].map((key) => ({
      section: "stratum",
      key,
      value: "",
      from: "the test",
    }));
    const config = loadConfig(path, { required: true, overrides: [...overrides, ...noFiles] });
    expect(edgeOptions(config, "/tmp").nextJob.payoutAddress).toBe(fa);
    expect(loadConfig(path, { required: true, overrides }).stratum.tlscert).toBe("/etc/prosper/tls/cert.pem");
    expect(config.web.proxysources).toHaveLength(1);
  });
});
