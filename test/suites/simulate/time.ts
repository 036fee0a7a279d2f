/** The simulator's time: events in the order of their moments, nothing in between. */

import type { Timer } from "../../../shared/clock.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  stopped: boolean;
}

export class SimTime {
  nowMs = 0;
  #order = 0;
  /** A binary heap by moment, then by the order in which they were made. */
  readonly #heap: Event[] = [];

  after(delayMs: number, run: () => void): Timer {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run, stopped: false };
    this.#push(event);
    return {
      stop: () => {
        event.stopped = true;
      },
    };
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    for (;;) {
      const event = this.#pop();
      if (event === undefined) return false;
      if (event.stopped) continue;
      this.nowMs = Math.max(this.nowMs, event.atMs);
      event.run();
      return true;
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || before(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const child = right !== undefined && left !== undefined && before(right, left) ? right : left;
      if (child === undefined || before(last, child)) break;
      heap[at] = child;
      at = child === left ? 2 * at + 1 : 2 * at + 2;
    }
    heap[at] = last;
    return top;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Lets every promise settle that can settle at this moment: all parts run on microtasks alone. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
