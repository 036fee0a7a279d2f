/** From what the doctor found at each look to how each check stands: one bad look is not red yet, one good one not well. */

import type { Examined } from "../../functions/api/doctor.ts";
import type { CheckState } from "../../shared/db/check-alerts.ts";
import type { Check } from "./finding.ts";

/** Looks in a row: a node that did not answer once is nothing to wake anybody for. */
const RED_LOOKS = 2;
const WELL_LOOKS = 3;
const MOST_CHARACTERS = 400;

/** A check's state, and what the last looks said against it. */
export interface WatchedState extends CheckState {
  /** Looks in a row that say otherwise. */
  readonly against: number;
  /** The first of them. */
  readonly againstSinceMs: number;
}

/** A check that could not be looked at stays as it was. A check that was never seen begins well. */
export function nextStates(
  before: readonly WatchedState[],
  looked: {
    readonly findings: readonly Examined[];
    readonly checks: readonly Check[];
    readonly nowMs: number;
  },
): WatchedState[] {
  const { findings, checks, nowMs } = looked;
  return checks.map(({ name, urgent = false }) => {
    const found = findings.filter(({ check }) => check === name);
    const was = before.find((state) => state.name === name) ?? wellSince(name, nowMs);
    if (found.every(({ level }) => level === "skipped")) return { ...was, urgent };
    return next({ ...was, urgent }, found, nowMs);
  });
}

/** What the database remembers of a former run. */
export function watched(state: CheckState): WatchedState {
  return { ...state, against: 0, againstSinceMs: state.sinceMs };
}

function wellSince(name: string, nowMs: number): WatchedState {
  return watched({ name, isRed: false, urgent: false, sinceMs: nowMs, said: "", mend: "" });
}

function next(was: WatchedState, found: readonly Examined[], nowMs: number): WatchedState {
  const reds = found.filter(({ level }) => level === "red");
  const [first = found[0]] = reds;
  const more = reds.length > 1 ? ` (and ${reds.length - 1} more)` : "";
  const words = { said: clip(`${first?.said ?? ""}${more}`), mend: clip(first?.mend ?? "") };
  const isRed = reds.length > 0;
  if (isRed === was.isRed) return { ...was, ...words, against: 0 };
  const against = was.against + 1;
  const againstSinceMs = was.against === 0 ? nowMs : was.againstSinceMs;
  if (against < (isRed ? RED_LOOKS : WELL_LOOKS)) return { ...was, against, againstSinceMs };
  return { ...was, ...words, isRed, sinceMs: againstSinceMs, against: 0 };
}

function clip(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
}
