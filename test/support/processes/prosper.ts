/** The `prosper` command as a user runs it: a child process, its two streams and its exit code. */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { temporaryFolder, tidied } from "./bench.ts";

/** The checkout. */
export const PROJECT = join(import.meta.dirname, "../../..");
export const COMMAND = join(PROJECT, "infra/launch/prosper.mjs");

const POOL_LINE = /^Pool .*: database .*\n/m;

/** A home of its own, so that nobody's configuration is read. */
const home = temporaryFolder();

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** Without the line that says which pool it is. */
  readonly stderr: string;
  /** That line; empty where there was none. */
  readonly pool: string;
}

export interface Running {
  readonly process: ChildProcess;
  /** What has come so far; `stderr` without the line that says which pool it is. */
  stdout(): string;
  stderr(): string;
  /** Takes the first characters of `stdout` away. */
  takeStdout(length: number): string;
  readonly ended: Promise<Ended>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A program and its first arguments in the place of this Node and `prosper.mjs`. */
  readonly program?: readonly [string, ...string[]];
}

/** Starts `prosper ARGS…` and returns at once. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const [file, ...before] = options.program ?? [process.execPath, COMMAND];
  const { DATABASE_URL: _, ...inherited } = process.env;
  const child = tidied(
    spawn(file, [...before, ...args], {
      cwd: options.cwd ?? home,
      env: { ...inherited, HOME: home, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    }),
  );
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const told = (): string => stderr.replace(POOL_LINE, "");
  child.stdin.on("error", () => undefined);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) =>
      resolve({ code, signal, stdout, stderr: told(), pool: POOL_LINE.exec(stderr)?.[0] ?? "" }),
    );
  });
  const takeStdout = (length: number): string => {
    const taken = stdout.slice(0, length);
    stdout = stdout.slice(length);
    return taken;
  };
  return { process: child, stdout: () => stdout, stderr: told, takeStdout, ended };
}

/** Runs `prosper ARGS…` to its end, with `input` on its standard input. */
export function prosper(
  args: readonly string[],
  options: RunOptions & { input?: string } = {},
): Promise<Ended> {
  const running = start(args, options);
  running.process.stdin?.end(options.input ?? "");
  return running.ended;
}
