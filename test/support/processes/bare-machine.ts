/** A machine that has only Node: an empty folder, an empty home, an empty cache of npm and no registry. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder, tidied } from "./bench.ts";

export interface BareMiner {
  readonly child: ChildProcess;
  /** Both streams so far. */
  said(): string;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
  /** As Ctrl-C does: it, and what it has started. */
  interrupt(): Promise<void>;
}

let npx: string | undefined;

/** Runs a line of a page as it is, by a shell, with `node` as the machine's only one. */
export function runBare(
  line: string,
  { node = process.execPath, env = {} }: { node?: string; env?: Readonly<Record<string, string>> } = {},
): BareMiner {
  const home = temporaryFolder();
  const folder = join(home, "empty");
  mkdirSync(folder);
  // Npm's own script, so that each Node can run it.
  npx ??= realpathSync(execFileSync("which", ["npx"], { encoding: "utf8" }).trim());
  const child = tidied(
    spawn("/bin/sh", ["-c", line.replace(/^npx /, `exec '${node}' '${npx}' `)], {
      cwd: folder,
      env: {
        PATH: `${dirname(node)}:/usr/bin:/bin`,
        HOME: home,
        npm_config_cache: join(home, "cache"),
        // Nobody listens there.
        npm_config_registry: "http://127.0.0.1:9/",
        ...env,
      },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    }),
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    ...{ child, ended },
    said: () => said,
    async interrupt() {
      process.kill(-(child.pid ?? 0), "SIGINT");
      await ended;
    },
  };
}
