/** What every command offers: examples that are command lines, exit codes, `--json`, completion. */

import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PAGES } from "../../../infra/cli/manual.ts";
import { buildProgram } from "../../../infra/cli/program.ts";
import { completionScript } from "../../../infra/cli/tools/completion.ts";
import { listAdjustments } from "../../../shared/db/payments.ts";
import { addUsers } from "../../support/books.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const MAIN = resolve(import.meta.dirname, "../../../infra/cli/main.ts");

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "prosper-manual-"));
  database = await createTestDatabase({ driver: "pg" });
  await addUsers(database.db, "ann");
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const program = (): Command => buildProgram({ env: { PROSPER_DATA_DIR: folder } });

function leaves(command: Command, path: string[] = []): { command: Command; path: string }[] {
  if (command.commands.length === 0) return [{ command, path: path.join(" ") }];
  return command.commands.flatMap((sub) => leaves(sub, [...path, sub.name()]));
}

/** Words as a shell makes them, without what redirects. */
function words(line: string): string[] {
  return [...(line.split(" > ")[0] ?? "").matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );
}

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command as its own process, on the test's database, with nobody at a terminal. */
function prosper(args: string[], input = ""): Promise<Ended> {
  return new Promise((done) => {
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder, DATABASE_URL: database.url };
    const child = execFile(process.execPath, [MAIN, ...args], { env, cwd: folder }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

describe("the help of every command", () => {
  it("has examples and exit codes, and there is no page of a command that is gone", () => {
    expect(new Set(leaves(program()).map(({ path }) => path))).toEqual(new Set(Object.keys(PAGES)));
    for (const { command, path } of leaves(program())) {
      const texts: string[] = [];
      command.configureOutput({ writeOut: (text) => void texts.push(text) });
      command.outputHelp();
      const said = texts.join("");
      for (const [line] of PAGES[path]?.examples ?? []) expect(said).toContain(`npx ${line}`);
      expect(said, path).toMatch(/Exit codes:\n {2}0 {2}\S/);
      expect(said, path).toContain("--json");
    }
  });

  it.each(
    Object.entries(PAGES).flatMap(([path, { examples }]) => examples.map(([line]) => [line, path] as const)),
  )("shows only command lines that are understood: %s", async (line, path) => {
    const parsed: string[] = [];
    const whole = program();
    for (const leaf of leaves(whole)) leaf.command.action(() => void parsed.push(leaf.path));

    const [name, ...args] = words(line);
    // Without its own file a configuration cannot be read: that it is understood is enough.
    await whole.parseAsync(
      args.map((arg) => (arg === "pool.toml" && path === "edge" ? emptyConfig() : arg)),
      { from: "user" },
    );

    expect([name, parsed]).toEqual(["prosper", [path]]);
  });

  const emptyConfig = (): string => {
    const file = join(folder, "empty.toml");
    writeFileSync(file, "");
    return file;
  };
});

describe("--json", () => {
  it.each([
    [["db", "code", "for-json"], "", [{ event: "invite", code: "for-json" }]],
    [["db", "migrate"], "", [{ event: "up-to-date" }]],
    [["db", "payout", "--uncompared"], "", [{ event: "payout-list", users: 0, total: "0", lines: [] }]],
    [["payout", "confirm"], "", [{ event: "nothing-on-its-way" }]],
    [["payout", "list"], "", [[]]],
    [["config", "made.toml"], "", [{ event: "written", file: "made.toml" }]],
    [["hash", "--bits", "8"], "00\n", [{ input: "00", hash: expect.stringMatching(/^[0-9a-f]{64}$/) }]],
    [["datasources", "XAU"], "", [{ event: "asset", asset: "XAU", sources: expect.any(Array) }]],
    [["completion", "bash"], "", [{ event: "completion", shell: "bash", script: expect.any(String) }]],
  ])("makes every line of standard output an event: %j", async (args, input, events) => {
    const { code, stdout } = await prosper([...args, "--json"], input);

    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(events);
  });

  it("tells what went wrong as an event too, by its code", async () => {
    const { code, stdout, stderr } = await prosper(["grade", "missing.json", "--json"]);

    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(JSON.parse(stderr)).toEqual({
      event: "error",
      code: expect.stringMatching(/^[a-z-]+$/),
      message: expect.stringContaining("missing.json"),
    });
  });
});

describe("what cannot be undone", () => {
  const adjustments = async (): Promise<number> => (await listAdjustments(database.db, 10)).length;

  it.each([
    [["db", "adjust", "ann", "1", "--reason", "a test"]],
    [["db", "admin", "ann"]],
    [["db", "reset-second-factor", "ann"]],
    [["db", "record", "--by-hand", "receipt.json"]],
    [["payout", "book", "00"]],
    [["payout", "disregard", "00", "--reason", "a test"]],
  ])("is asked about, and where nobody can be asked nothing is changed: %j", async (args) => {
    const { code, stderr } = await prosper(args);

    expect(code).toBe(1);
    expect(stderr).toMatch(
      /\?.* Nobody can be asked here: look at the lines above, then run this with --yes/,
    );
    expect(await adjustments()).toBe(0);
  });

  it("is done without a question with --yes", async () => {
    const ended = await prosper(["db", "adjust", "ann", "1.5", "--reason", "a test", "--yes", "--json"]);

    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ event: "adjustment", user: "ann", amount: "150000000" });
    expect(await adjustments()).toBe(1);
  });
});

describe("completion", () => {
  /** What bash offers where the last of `line` is being typed. */
  function offered(line: string[]): string[] {
    const script = `${completionScript(buildProgram({ env: {} }), "bash")}
COMP_WORDS=(${line.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${line.length - 1}; _prosper
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr, status } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    return stdout.split("\n").filter((word) => word !== "");
  }

  it("knows commands, commands of groups, and their own flags", () => {
    expect(offered(["prosper", "a"])).toEqual(expect.arrayContaining(["accountant", "auth", "audit"]));
    expect(offered(["prosper", "db", "re"])).toEqual(["reset-second-factor", "record"]);
    expect(offered(["prosper", "--log", "debug", "payout", "pre"])).toEqual(["prepare"]);
    expect(offered(["prosper", "audit", "--re"])).toEqual(["--replay"]);
    expect(offered(["prosper", "audit", "--check"])).toEqual([]);
    expect(offered(["prosper", "completion", ""])).toEqual(expect.arrayContaining(["bash", "zsh"]));
  });

  it("leaves to the shell's files what follows a flag with a value", () => {
    expect(offered(["prosper", "payout", "--data-dir", ""])).toEqual([]);
    expect(offered(["prosper", "payout", "--data-dir", "folder", "pre"])).toEqual(["prepare"]);
    expect(offered(["prosper", "payout", "--json", "pre"])).toEqual(["prepare"]);
  });

  it("is refused for another shell by the names of those there are", async () => {
    const { code, stderr } = await prosper(["completion", "fish"]);

    expect(code).toBe(1);
    expect(stderr).toMatch(/bash, zsh/);
  });
});
