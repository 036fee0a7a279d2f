/**
 * The miner on a terminal: one screen that is drawn again each second, and keys. Until it mines there are lines, and at its end the terminal is as it
 * was. Differs from prosper-pool: its client shows log lines and has a console; that is what `--plain` gives.
 */

import type { Clock, Timer } from "../../../shared/clock.ts";
import { json } from "../../../shared/db/port.ts";
import type { Logger } from "../../../shared/logger.ts";
import type { Print } from "../output.ts";
import { type MinerView, statsLine, type ViewSource } from "./miner-view.ts";
import { type ScreenLine, screenLines } from "./screen-lines.ts";

export interface ScreenInput {
  setRawMode?(on: boolean): unknown;
  on(event: "data", listener: (chunk: Buffer | string) => void): unknown;
  off(event: "data", listener: (chunk: Buffer | string) => void): unknown;
  resume(): unknown;
}

export interface ScreenOutput {
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

export interface ScreenModules {
  readonly stdin: ScreenInput;
  readonly stdout: ScreenOutput;
  readonly clock: Clock;
  readonly logger: Logger;
}

const DRAW_MS = 1_000;
/** Of the pool's and the miner's words. */
const MOST_MESSAGES = 100;
const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?1049l\u001b[?25h";
const STYLES: Readonly<Record<NonNullable<ScreenLine["style"]>, string>> = {
  ...{ strong: "\u001b[1m", faint: "\u001b[2m", bad: "\u001b[31m" },
};
const CTRL_C = "\u0003";

export function minerScreen({ stdin, stdout, clock, logger }: ScreenModules): MinerView {
  const messages: string[] = [];
  let source: ViewSource | undefined;
  let timer: Timer | undefined;
  let isOn = false;
  /** The block that is mined, and since when. */
  let block: { readonly height: number | undefined; readonly sinceMs: number } | undefined;

  const say = (text: string): void => {
    messages.push(`${new Date(clock.wallMs()).toISOString().slice(11, 19)}  ${text}`);
    if (messages.length > MOST_MESSAGES) messages.shift();
    draw();
  };
  const line: Print = (text) => {
    if (!isOn) stdout.write(`${text}\n`);
    say(text);
  };
  const told =
    (level: keyof Logger) =>
    (message: string, data?: Record<string, unknown>): void => {
      if (!isOn) logger[level](message, data);
      else if (level !== "debug") say(data === undefined ? message : `${message} ${json(data)}`);
    };
  const draw = (): void => {
    if (!isOn || source === undefined) return;
    const { columns = 80, rows = 24 } = stdout;
    const facts = source.facts();
    const { height } = facts.stats;
    const nowMs = clock.monotonicMs();
    if (block === undefined || block.height !== height) block = { height, sinceMs: nowMs };
    const lines = screenLines({ ...facts, messages, blockMs: nowMs - block.sinceMs }, rows).map(
      ({ text, style }) =>
        `${style === undefined ? "" : STYLES[style]}${text.slice(0, columns)}\u001b[0m\u001b[K`,
    );
    stdout.write(`\u001b[H${lines.join("\r\n")}\u001b[J`);
  };
  const tick = (): void => {
    draw();
    timer = clock.after(DRAW_MS, tick);
  };
  const onKeys = (chunk: Buffer | string): void => {
    for (const key of String(chunk)) press(key);
  };
  const press = (key: string): void => {
    if (source === undefined) return;
    const { miner } = source;
    if (key === "h") say(statsLine(miner.stats()));
    else if (key === "p") miner.pause();
    else if (key === "r") miner.resume();
    else if (key === "q" || key === CTRL_C) {
      // The next Ctrl-C is the terminal's again, and ends the process at once.
      stdin.setRawMode?.(false);
      say("Stopping: the last shares get their answers");
      void miner.stop();
    }
    draw();
  };
  return {
    line,
    logger: { debug: told("debug"), info: told("info"), warn: told("warn"), error: told("error") },
    attach(given) {
      source = given;
    },
    begin() {
      isOn = true;
      stdin.setRawMode?.(true);
      stdin.on("data", onKeys);
      stdin.resume();
      stdout.write(ENTER);
      tick();
    },
    end() {
      if (!isOn) return;
      isOn = false;
      timer?.stop();
      stdin.off("data", onKeys);
      stdin.setRawMode?.(false);
      stdout.write(LEAVE);
    },
  };
}
