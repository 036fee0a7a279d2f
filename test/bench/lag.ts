/** How late the main thread of a pool is, by the pool's own metrics. */

const METRIC = /^nodejs_eventloop_lag_p99_seconds ([0-9.e+-]+)$/m;
/** The pool looks every 10 ms, and counts that time as well. */
const PERIOD_MS = 10;

/** The p99 in milliseconds since the last call of this for the same pool. */
export async function lagMs(web: string): Promise<number> {
  const text = await (await fetch(`${web}/metrics`)).text();
  const seconds = METRIC.exec(text)?.[1];
  if (seconds === undefined)
    throw new Error(`${web}/metrics: expected nodejs_eventloop_lag_p99_seconds, got none`);
  return Math.max(0, Number(seconds) * 1000 - PERIOD_MS);
}
