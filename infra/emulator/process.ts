/** A program started beside this one: its output kept for messages, its end awaited, its stop bounded. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as v from "valibot";
import { CodedError } from "../../shared/errors.ts";
import { parseJson } from "../../shared/json-source.ts";

export interface ProgramOptions {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** The whole environment: none of this process's variables is added, since a deployment would not have them. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

export interface Program {
  readonly child: ChildProcess;
  /** The last lines of both streams. */
  tail(): string;
  /** Resolves with the exit code, null after a signal. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, then SIGKILL after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

const KEPT_LINES = 40;
const GRACE_MS = 10_000;

export function startProgram(options: ProgramOptions): Program {
  const { name, command, args, cwd, env } = options;
  const child = spawn(command, [...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      options.onLine?.(line);
    });
  }
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) =>
      reject(new CodedError("program", `${name}: ${command} cannot be started: ${cause.message}`, { cause })),
    );
    child.once("close", resolve);
  });
  ended.catch(() => undefined);
  return {
    child,
    tail: () => lines.join("\n"),
    ended,
    async stop(graceMs = GRACE_MS) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const kill = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await ended.catch(() => undefined);
      clearTimeout(kill);
    },
  };
}

/** Runs a program to its end. Throws CodedError `program` with its last lines where it fails. */
export async function runProgram(options: ProgramOptions): Promise<string> {
  const program = startProgram(options);
  const code = await program.ended;
  if (code !== 0)
    throw new CodedError(
      "program",
      `${options.name} failed (exit code ${code}). Its last lines:\n${program.tail()}`,
    );
  return program.tail();
}

/** Resolves with the first line that `parse` takes. Throws CodedError `program` when the program ends before it, or after `withinMs`. */
export function firstLine<T>(
  options: ProgramOptions,
  parse: (line: string) => T | undefined,
  withinMs: number,
): Promise<{ program: Program; value: T }> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => fail(`said nothing of being ready in ${withinMs / 1000} s`), withinMs);
    const program = startProgram({
      ...options,
      onLine(line) {
        options.onLine?.(line);
        const value = parse(line);
        if (value === undefined) return;
        clearTimeout(late);
        resolve({ program, value });
      },
    });
    const fail = (what: string): void => {
      clearTimeout(late);
      reject(new CodedError("program", `${options.name} ${what}. Its last lines:\n${program.tail()}`));
    };
    program.ended.then(
      (code) => fail(`ended with exit code ${code}`),
      (error: Error) => reject(error),
    );
  });
}

/** For `firstLine`: the first line of JSON that fits the schema; all other lines are ignored. */
export function jsonLine<const Schema extends v.GenericSchema>(
  schema: Schema,
): (line: string) => v.InferOutput<Schema> | undefined {
  return (line) => {
    const parsed = v.safeParse(schema, parseJson(line));
    return parsed.success ? parsed.output : undefined;
  };
}
