/** A progress bar on a terminal, plain lines now and then elsewhere: for steps that take minutes, such as making the LXR table. */

import type { Clock } from "../../shared/clock.ts";
import type { TableProgress } from "../../shared/hash/open-table.ts";

/** Where it is shown: stderr, as a rule. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface Progress {
  /** `done` of `total` units of `step`; another step starts afresh. `unit` names what is counted, for the rate: "B", " draws". */
  update(step: string, done: number, total: number, unit: string): void;
  /** Ends the line. Idempotent. */
  end(): void;
}

/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_MS = 100;
const LINE_MS = 5_000;
const BAR_CELLS = 24;
const FALLBACK_COLUMNS = 80;

interface Step {
  readonly name: string;
  readonly startMs: number;
  shownMs: number;
  done: number;
}

/** Draws nothing before the first update. */
export function showProgress(modules: { stream: ProgressStream; clock: Clock }): Progress {
  const { stream, clock } = modules;
  const isTerminal = stream.isTTY === true;
  let current: Step | undefined;
  let openLine = false;

  const end = (): void => {
    if (openLine) stream.write("\n");
    openLine = false;
    current = undefined;
  };
  const show = (step: Step, total: number, unit: string, nowMs: number): void => {
    const text = describe(step, total, unit, nowMs);
    if (!isTerminal) {
      stream.write(`${text}\n`);
      return;
    }
    const filled = Math.round((BAR_CELLS * step.done) / total);
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR_CELLS - filled)}`;
    const line = `${bar} ${text}`.slice(0, (stream.columns ?? FALLBACK_COLUMNS) - 1);
    // Back to the line's start, and clear what a longer line has left.
    stream.write(`\r${line}\u001b[K`);
    openLine = true;
  };

  return {
    update(name, done, total, unit) {
      const nowMs = clock.monotonicMs();
      const isNew = current?.name !== name;
      if (isNew) end();
      const step = current ?? { name, startMs: nowMs, shownMs: nowMs, done: 0 };
      current = step;
      const finished = done >= total && step.done < total;
      step.done = done;
      const due = nowMs - step.shownMs >= (isTerminal ? REDRAW_MS : LINE_MS);
      if (!isNew && !due && !finished) return;
      step.shownMs = nowMs;
      show(step, total, unit, nowMs);
    },
    end,
  };
}

/** The `onProgress` of `openTable`. */
export function showTable(progress: Progress): (news: TableProgress) => void {
  return ({ step, done, total }) =>
    progress.update(TABLE_STEPS[step], done, total, step === "making" ? " draws" : "B");
}

const TABLE_STEPS: Record<TableProgress["step"], string> = {
  reading: "Reading the LXR table",
  making: "Making the LXR table, once",
  saving: "Saving the LXR table",
};

function describe(step: Step, total: number, unit: string, nowMs: number): string {
  const percent = `${Math.floor((100 * step.done) / total)} %`;
  const seconds = (nowMs - step.startMs) / 1000;
  const rate = step.done / seconds;
  if (!(seconds > 0) || rate === 0) return `${step.name} ${percent}`;
  const left =
    step.done < total ? `${duration((total - step.done) / rate)} left` : `took ${duration(seconds)}`;
  return `${step.name} ${percent}, ${`${short(rate)}${unit}`.replace("  ", " ")}/s, ${left}`;
}

function short(value: number): string {
  const units = ["", "k", "M", "G"];
  let scaled = value;
  let i = 0;
  while (scaled >= 1000 && i < units.length - 1) {
    scaled /= 1000;
    i++;
  }
  return `${scaled < 10 ? scaled.toFixed(1) : scaled.toFixed(0)} ${units[i]}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
