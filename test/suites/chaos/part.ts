/** A process of the chaos run, started again after every kill. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { PartOptions } from "./options.ts";

type Message = Record<string, unknown>;

const READY_MS = 120_000;

export class Part {
  readonly name: string;
  readonly #file: string;
  #options: PartOptions;
  #child: ChildProcess | undefined;
  readonly #onMessage: (message: Message) => void;

  constructor(
    name: string,
    file: string,
    options: PartOptions,
    onMessage: (message: Message) => void = () => undefined,
  ) {
    this.name = name;
    this.#file = fileURLToPath(new URL(`parts/${file}.ts`, import.meta.url));
    this.#options = options;
    this.#onMessage = onMessage;
  }

  /** Its ready line, and how long it took; undefined where it was killed again before. A port it was given at first is kept. */
  async start(): Promise<{ message: Message; ms: number } | undefined> {
    const startMs = performance.now();
    const child = spawn(process.execPath, [this.#file, JSON.stringify(this.#options)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    const message = await new Promise<Message | undefined>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} is not ready`)), READY_MS);
      child.once("exit", (code) => {
        clearTimeout(timer);
        if (this.#child !== child) resolve(undefined);
        else reject(new Error(`${this.name} ended with ${code} before it was ready`));
      });
      createInterface({ input: child.stdout }).on("line", (line) => {
        const told = JSON.parse(line) as Message;
        this.#onMessage(told);
        if (told["ready"] !== true) return;
        clearTimeout(timer);
        resolve(told);
      });
    });
    child.removeAllListeners("exit");
    if (message === undefined) return undefined;
    const { port } = message;
    if (typeof port === "number") this.#options = { ...this.#options, port };
    return { message, ms: performance.now() - startMs };
  }

  /** SIGKILL, and its end; false where there was nothing to kill. */
  async kill(): Promise<boolean> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    return true;
  }

  /** True while the process is there. */
  isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  write(text: string): void {
    this.#child?.stdin?.write(text);
  }
}
