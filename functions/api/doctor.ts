/** What the API knows of the pool's doctor; the checks themselves need a folder, ports and settings (infra/doctor/). */

/** `red`: the pool loses money, work or time by it, or will within days. `warn`: an operator would want to know. `skipped`: not to be had here. */
export const LEVELS = ["ok", "warn", "red", "skipped"] as const;
export type Level = (typeof LEVELS)[number];

export interface Finding {
  readonly level: Level;
  /** What was found, as a sentence. */
  readonly said: string;
  /** What mends it; every red one has one. */
  readonly mend?: string;
}

/** A finding with the name of its check. */
export interface Examined extends Finding {
  readonly check: string;
}

export interface Examination {
  /** When the newest whole examination ended; undefined before the first. */
  readonly atMs: number | undefined;
  readonly findings: readonly Examined[];
  /** Another one is under way. */
  readonly isRunning: boolean;
}

/** Never rejects: a check that breaks is a red finding. */
export interface Doctor {
  /** The newest examination; where it is no longer fresh, another begins, and is waited for a moment. */
  newest(): Promise<Examination>;
  /** Begins another one now, unless one is under way or has just ended. */
  again(): Promise<Examination>;
  /** The same for a timer: a check that costs much stays as it was found for its time. */
  onTime(): Promise<Examination>;
}
