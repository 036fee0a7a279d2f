/** Gauges of what is not counted in this process but read now and then: prices, money, the canary. */

import { Gauge, type Registry } from "prom-client";
import type { Clock } from "../../shared/clock.ts";
import type { Probe } from "../../shared/db/canary.ts";
import { poolMeasures } from "../../shared/db/pool-measures.ts";
import type { Db } from "../../shared/db/port.ts";
import type { Logger } from "../../shared/logger.ts";
import { runEvery } from "../../shared/run-every.ts";

const EVERY_MS = 60_000;
const PEG = 100_000_000;

export interface Measured {
  /** Reads until `signal`. */
  run(modules: {
    readonly db: Db;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly signal: AbortSignal;
  }): Promise<void>;
  /** Takes a look of the canary. */
  probed(probe: Probe): void;
}

/** Each is NaN until it is known, and again where it cannot be read. */
export function createMeasured(registry: Registry): Measured {
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name: `prosper_${name}`, help, labelNames, registers: [registry], aggregator: "first" });
  const pricesAge = gauge(
    "prices_age_seconds",
    "Age of the newest prices; at 30 minutes no job is made of them",
  );
  const owed = gauge("owed_peg", "PEG owed to all together");
  const paid = gauge("paid_peg", "PEG paid to all together");
  const payouts = gauge("payouts", "Entries that paid");
  const lastPayout = gauge(
    "last_payout_timestamp_seconds",
    "When the last one was booked; NaN before the first",
  );
  const read = [pricesAge, owed, paid, payouts, lastPayout];
  const forget = (): void => {
    for (const one of read) one.set(Number.NaN);
  };
  const up = gauge(
    "canary_up",
    "1 while the pool's own miner gets through from outside, else 0; NaN without one",
  );
  const seconds = gauge("canary_seconds", "How long each step of its last look took", ["step"]);
  forget();
  up.set(Number.NaN);
  return {
    run: ({ db, ...modules }) =>
      runEvery(
        {
          ...{ name: "measures", everyMs: EVERY_MS },
          run: async () => {
            const measures = await poolMeasures(db).catch((thrown: unknown) => {
              forget();
              throw thrown;
            });
            pricesAge.set(measures.pricesAgeSeconds ?? Number.NaN);
            owed.set(Number(measures.owed) / PEG);
            paid.set(Number(measures.paid) / PEG);
            payouts.set(measures.payouts);
            lastPayout.set((measures.lastPayoutMs ?? Number.NaN) / 1000);
          },
        },
        modules,
      ),
    probed({ failedAt, connectMs, loginMs, jobMs, answerMs, rowMs }) {
      up.set(failedAt === null ? 1 : 0);
      seconds.reset();
      const times = { connect: connectMs, login: loginMs, job: jobMs, answer: answerMs, row: rowMs };
      for (const [step, ms] of Object.entries(times)) if (ms !== null) seconds.set({ step }, ms / 1000);
    },
  };
}
