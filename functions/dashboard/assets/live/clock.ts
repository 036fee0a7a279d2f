/** The server's clock. Every age on a page is reckoned by it, whatever the visitor's own clock says. */

import { type ReadonlySignal, signal } from "@preact/signals";

const TICK_MS = 1000;
/** An answer is late by its way and its whole seconds; one that is off by more tells of a clock that was set. */
const SET_MS = 5000;

let offsetMs: number | undefined;
const shown = signal(Date.now());

/** The server's time now, by whole seconds while the page is visible. */
export const now: ReadonlySignal<number> = shown;

export function serverNow(): number {
  return offsetMs === undefined ? Date.now() : performance.now() + offsetMs;
}

/** `unixMs` is what the server's clock showed when it sent what came just now. */
export function heardTime(unixMs: number): void {
  const offset = unixMs - performance.now();
  // A message never comes before it is sent, so that the latest time is the truest.
  if (offsetMs === undefined || offset > offsetMs || offsetMs - offset > SET_MS) offsetMs = offset;
  shown.value = serverNow();
}

/** By the Date of an answer, and its Age where a cache between had it. */
export function heardAnswer(headers: Headers): void {
  const sentMs = Date.parse(headers.get("date") ?? "");
  if (Number.isFinite(sentMs)) heardTime(sentMs + Number(headers.get("age") ?? 0) * 1000);
}

setInterval(() => {
  if (!document.hidden) shown.value = serverNow();
}, TICK_MS);
