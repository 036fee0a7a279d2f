/** As many miners as an edge is made for, for minutes: no share is refused, none is lost, no connection ends. */

import type { Bench, Opened, Setting, Values } from "../bench.ts";
import { quantile } from "../figures.ts";
import { startPool } from "../pool.ts";
import type { Room } from "../room.ts";
import { shareTurns } from "../share-turns.ts";

const BITS = 10;
const CLIENTS = 5_000;
const PER_SECOND = 1_000;
const SECONDS = 300;
const QUICK = { clients: 100, seconds: 3 };
/** All of it within one job: logins, the making of the shares, and the minutes that count. */
const BLOCK_SECONDS = 900;

async function open(setting: Setting, room: Room): Promise<Opened> {
  const { clients, seconds } = setting.quick ? QUICK : { clients: CLIENTS, seconds: SECONDS };
  const pool = await startPool(
    BITS,
    setting.quick,
    room,
    setting.quick ? {} : { blockSeconds: BLOCK_SECONDS },
  );
  // It rejects where one share is refused or one connection ends; nothing is warmed up, as minutes are long enough.
  const each = Math.ceil((PER_SECOND * seconds) / clients);
  const turn = await shareTurns(pool.login(clients), { bits: BITS, each, quick: true }, room, (generator) =>
    generator.pace({ perSecond: PER_SECOND }),
  );
  const ours = async (): Promise<Values> => {
    const before = await acceptedBy(pool.web);
    const { accepted, waits } = await turn();
    return {
      steady: accepted,
      "steady-unaccounted": (await acceptedBy(pool.web)) - before - accepted,
      "steady-p50": quantile(waits, 0.5),
      "steady-p99": quantile(waits, 0.99),
    };
  };
  return { ours, peer: undefined };
}

/** Shares that the pool counts as accepted. */
async function acceptedBy(web: string): Promise<number> {
  const text = await (await fetch(`${web}/metrics`)).text();
  return Number(/^prosper_shares_accepted_total (\d+)/m.exec(text)?.[1] ?? 0);
}

export const STEADY: Bench = {
  name: "steady",
  what: `${CLIENTS} miners that submit ${PER_SECOND} shares a second for ${SECONDS} s: a refused share or a lost connection fails it`,
  rounds: 1,
  rows: {
    steady: { unit: "shares", what: "accepted", better: "more" },
    "steady-unaccounted": {
      unit: "shares",
      what: "that the pool counts and the miners do not, or the other way round",
    },
    "steady-p50": { unit: "ms", what: "from sending a share to its answer, the median", better: "less" },
    "steady-p99": { unit: "ms", what: "from sending a share to its answer, p99", better: "less" },
  },
  open,
};
