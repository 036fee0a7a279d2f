/** The tree of commands: what is there, where flags are understood, and what mistakes are answered with. */

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lockFolder } from "../../../edge/lease/folder-lock.ts";
import { buildProgram, withDefaultCommand } from "../../../infra/cli/program.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";

/** All of them, the reference's (docs/spec.md, "Commands and pages") and our own: a command that is new, or gone, is so here too. */
const COMMANDS = [
  ...[
    "up",
    "edge",
    "sync",
    "accountant",
    "auth",
    "devnet",
    "stratum",
    "miner",
    "audit",
    "doctor",
    "share",
    "backup",
    "restore",
    "import",
  ],
  ...["bar", "unbar", "bars", "announce", "maintenance", "notices"],
  ...[
    "db",
    "db migrate",
    "db admin",
    "db demote",
    "db password",
    "db reset-second-factor",
    "db code",
    "db adjust",
    "db payout",
    "db record",
  ],
  ...[
    "payout",
    "payout prepare",
    "payout list",
    "payout show",
    "payout sign",
    "payout send",
    "payout confirm",
  ],
  ...["payout pay", "payout compare", "payout book", "payout disregard"],
  ...["hash", "grade", "datasources", "pullsources", "keys", "completion", "verify", "config"],
];
const GLOBAL_FLAGS = [
  ...["--config", "--log", "--phost", "--pport", "--fhost", "--sport"],
  ...["--rauth", "--checkallshares", "--testing", "--act", "--profile"],
];

let folder: string;
/** A pool's settings with everything that is required. */
let poolFile: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "prosper-program-"));
  poolFile = join(folder, "pool.toml");
  const address = encodeAddress("FA", new Uint8Array(32).fill(1));
  const key = encodeAddress("Es", new Uint8Array(32).fill(2));
  writeFileSync(
    poolFile,
    `[pool]\noprcoinbase = "${address}"\nesaddress = "${key}"\n[app]\ndatadir = "${join(folder, "data")}"\n`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

function walk(command: Command, path: string[] = []): { command: Command; path: string[] }[] {
  return [{ command, path }, ...command.commands.flatMap((sub) => walk(sub, [...path, sub.name()]))];
}

/** A program whose help and complaints are collected. */
function quietProgram() {
  const program = buildProgram({ env: {} });
  const said: string[] = [];
  const writeOut = (text: string) => void said.push(text);
  for (const { command } of walk(program)) command.configureOutput({ writeOut, writeErr: writeOut });
  return { program, said };
}

/** What a command line is refused with. */
async function refusal(...args: string[]): Promise<{ code: string; message: string; said: string }> {
  const { program, said } = quietProgram();
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof Error && "code" in error)
      return { code: String(error.code), message: error.message, said: said.join("") };
    throw error;
  }
  throw new Error(`${args.join(" ")} was not refused`);
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

describe("the commands", () => {
  const paths = walk(buildProgram({ env: {} })).flatMap(({ path }) =>
    path.length > 0 ? [path.join(" ")] : [],
  );

  it("are those of the reference and our own", () => {
    expect(paths).toEqual(COMMANDS);
  });

  it("are in the README's table, each of them and no other", () => {
    const table = readFileSync(resolve(import.meta.dirname, "../../../README.md"), "utf8")
      .split("## Commands")[1]
      ?.split("\n## ")[0];
    const rows = [...(table ?? "").matchAll(/^\| (`.*?`) \|/gm)].map(([, first = ""]) =>
      first.replaceAll("`", ""),
    );
    // `db migrate · admin` is db migrate and db admin; `sync · auth` are two commands.
    const groups = new Set(COMMANDS.flatMap((path) => (path.includes(" ") ? [path.split(" ")[0]] : [])));
    const named = rows.flatMap((row) => {
      const [group = ""] = row.split(" ");
      const words = row.split(" · ").map((part) => part.replace(/^db |^payout /, "").split(" ")[0] ?? "");
      return groups.has(group) ? words.map((word) => `${group} ${word}`) : words;
    });

    expect(named.sort(byText)).toEqual(COMMANDS.filter((path) => !groups.has(path)).sort(byText));
  });

  it.each(paths)("%s explains itself and shows only its own flags", async (path) => {
    const { program, said } = quietProgram();
    const parsing = program.parseAsync([...path.split(" "), "--help"], { from: "user" });

    await expect(parsing).rejects.toMatchObject({ code: "commander.helpDisplayed", exitCode: 0 });
    expect(said.join("")).toContain(`Usage: prosper ${path}`);
    expect(said.join("")).not.toContain("--checkallshares");
  });

  it("take the reference's flags everywhere", () => {
    for (const { command, path } of walk(buildProgram({ env: {} }))) {
      const known = command.options.map(({ long }) => long);
      expect(known, path.join(" ")).toEqual(expect.arrayContaining(GLOBAL_FLAGS));
    }
  });
});

describe("flags", () => {
  it.each([[["--config", "FILE", "datasources"]], [["datasources", "--config", "FILE"]]])(
    "are understood before and behind the command's name: %j",
    async (args) => {
      const missing = join(folder, "missing.toml");

      const refused = await refusal(...args.map((arg) => (arg === "FILE" ? missing : arg)));

      expect(refused).toMatchObject({ code: "config", message: expect.stringContaining(missing) });
    },
  );

  it.each([
    [["--pport", "x", "edge"], "--pport <port>"],
    [["edge", "--sport", "1e3"], "--sport <port>"],
    [["stratum", "--checkallshares", "maybe"], "--checkallshares [boolean]"],
    [["devnet", "--errors", "1.5"], "--errors <part>"],
    [["up", "--block-seconds", "0"], "--block-seconds <n>"],
  ])("of a wrong form are refused by name: %j", async (args, flag) => {
    expect(await refusal(...args)).toMatchObject({
      code: "commander.invalidArgument",
      message: expect.stringContaining(flag),
    });
  });

  it.each([
    [["upp"], "commander.unknownCommand", "Did you mean up?"],
    [["up", "--minres", "2"], "commander.unknownOption", "Did you mean --miners?"],
    [["grade"], "commander.missingArgument", "file"],
    [["bar", "ann"], "commander.missingMandatoryOptionValue", "--reason"],
    [["accountant", "now"], "commander.excessArguments", "too many arguments"],
  ])(
    "and commands that are slips of the finger are answered with what was meant: %j",
    async (args, code, hint) => {
      const refused = await refusal(...args);

      expect(refused.code).toBe(code);
      expect(refused.said).toContain(hint);
    },
  );
});

describe("a bare prosper", () => {
  const chosen = (args: string[], defaultConfig: string) =>
    withDefaultCommand(buildProgram({ env: {} }), args, defaultConfig);

  it("runs the pool where there is a configuration, and prints help where there is none", () => {
    const none = join(folder, "none.toml");

    expect(chosen([], poolFile)).toEqual(["edge"]);
    expect(chosen(["--log", "debug"], poolFile)).toEqual(["--log", "debug", "edge"]);
    expect(chosen(["--config", poolFile], none)).toEqual(["--config", poolFile, "edge"]);
    expect(chosen([], none)).toEqual(["--help"]);
  });

  it("leaves a command, its flags and --help alone", () => {
    for (const args of [["audit", "--json"], ["--help"], ["--no-such-flag"], ["nonsense"]])
      expect(chosen(args, poolFile)).toEqual(args);
  });
});

describe("edge", () => {
  it("names the setting that is missing before anything is started", async () => {
    const file = join(folder, "empty.toml");
    writeFileSync(file, "");

    const refused = await refusal("edge", "--config", file, "--data-dir", join(folder, "untouched"));

    expect(refused).toMatchObject({ code: "config", message: expect.stringContaining("pool.oprcoinbase") });
    expect(readdirSync(folder)).not.toContain("untouched");
  });

  it.each([[["--checkallshares", "false", "edge"]], [["edge", "--checkallshares", "false"]]])(
    "does not trust miners with their hashes: %j",
    async (args) => {
      const refused = await refusal("--config", poolFile, ...args);

      expect(refused).toMatchObject({
        code: "config",
        message: expect.stringContaining("only `prosper stratum` may trust miners"),
      });
    },
  );

  it("is refused in a folder that another process has", async () => {
    const lock = lockFolder(join(folder, "data"));

    const refused = await refusal("edge", "--config", poolFile);
    lock.release();

    expect(refused).toMatchObject({
      code: "folder-in-use",
      message: expect.stringContaining(join(folder, "data")),
    });
  });
});

describe("devnet", () => {
  it("is refused in a folder that another process has", async () => {
    const lock = lockFolder(join(folder, "chain"));

    const refused = await refusal("devnet", "--data-dir", join(folder, "chain"));
    lock.release();

    expect(refused.code).toBe("folder-in-use");
  });
});

describe("--profile", () => {
  it("writes a CPU profile when the command ends", async () => {
    const main = resolve(import.meta.dirname, "../../../infra/cli/main.ts");
    const args = ["datasources", "EUR", "--profile", "--config", poolFile];

    const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { cwd: folder });

    const files = readdirSync(folder).filter((name) => /^prosper-datasources-\d+\.cpuprofile$/.test(name));
    expect(files).toHaveLength(1);
    const profile: { nodes: unknown[]; samples: unknown[] } = JSON.parse(
      readFileSync(join(folder, files[0] ?? ""), "utf8"),
    );
    expect(stdout).toMatch(/^EUR /);
    expect(profile.nodes.length).toBeGreaterThan(1);
    expect(profile.samples.length).toBeGreaterThan(1);
  });
});

describe("the command's former place", () => {
  it("still starts it, for the links of npx from before it moved", async () => {
    const former = resolve(import.meta.dirname, "../../../infra/cli/prosper.mjs");

    const { stdout } = await promisify(execFile)(former, ["config", "--help"]);

    expect(stdout).toMatch(/^Usage: prosper config /);
  });
});
