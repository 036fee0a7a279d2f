/** What a bench has started and made, so that it is gone when the bench is over, however that comes. */

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A process that was asked to end and does not is killed. */
const END_MS = 20_000;

export class Room {
  readonly #tidiers: (() => void | Promise<void>)[] = [];
  #isTidied = false;

  /** Is run by `tidy`, the latest first; at once where that has been. */
  onTidy(tidier: () => void | Promise<void>): void {
    if (this.#isTidied) void tidier();
    else this.#tidiers.push(tidier);
  }

  folder(): string {
    const path = mkdtempSync(join(tmpdir(), "prosper-bench-"));
    this.onTidy(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    // A group of its own: Ctrl-C in a terminal would reach it, and `tidy` then be its second signal, at which a pool leaves its PostgreSQL behind.
    return this.keep(spawn(program, args, { ...options, detached: true }));
  }

  keep(child: ChildProcess): ChildProcess {
    // Without a listener a program that cannot be started would end this one; whoever waits for it sees its end.
    child.on("error", () => undefined);
    child.stdin?.on("error", () => undefined);
    this.onTidy(() => end(child));
    return child;
  }

  async tidy(): Promise<void> {
    this.#isTidied = true;
    for (const tidier of this.#tidiers.splice(0).reverse()) await tidier();
  }
}

/** Resolves when the process is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await gone;
  clearTimeout(timer);
}

/** The lines of a process, one by one; rejects at its end. */
export function nextLine(child: ChildProcess, what: string): () => Promise<string> {
  const lines: string[] = [];
  const waiting: PromiseWithResolvers<string>[] = [];
  let text = "";
  let isOver = false;
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (text + chunk).split("\n");
    text = parts.pop() ?? "";
    for (const line of parts) {
      const first = waiting.shift();
      if (first === undefined) lines.push(line);
      else first.resolve(line);
    }
  });
  const ended = (): Error => new Error(`${what} ended (exit code ${child.exitCode ?? child.signalCode})`);
  const over = (): void => {
    isOver = true;
    for (const one of waiting.splice(0)) one.reject(ended());
  };
  child.once("close", over);
  child.once("error", over);
  return () => {
    const line = lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (isOver) return Promise.reject(ended());
    const one = Promise.withResolvers<string>();
    waiting.push(one);
    return one.promise;
  };
}
