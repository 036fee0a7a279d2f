/** Validated shares a second by sockets: submitted as fast as they are answered. */

import type { Bench, Opened, Row, Setting, Values } from "../bench.ts";
import { startEdge } from "../edge.ts";
import type { Connecting } from "../generator/protocol.ts";
import { lagMs } from "../lag.ts";
import { startPeerPool } from "../peers.ts";
import { peerLogin, startPool } from "../pool.ts";
import type { Room } from "../room.ts";
import { shareTurns } from "../share-turns.ts";

/** Hashing takes next to nothing at this size: what is measured is everything else. */
const SMALL_BITS = 10;
/** Some seconds, as the first second is slower. */
const SHARES = 100_000;
const SHARES_LARGE = 24_000;
const QUICK_SHARES = 1_000;

interface Kind {
  readonly clients: number;
  readonly table: "small" | "large";
  /** Edge processes behind the port. */
  readonly processes?: number;
  /** An edge as the image runs it: its books are on other machines. */
  readonly isAlone?: boolean;
}

function sharesBench({ clients, table, processes = 1, isAlone = false }: Kind): Bench {
  const isOne = processes === 1;
  const name = `${isAlone ? "edge" : "shares"}-${clients}${isOne ? "" : `-processes-${processes}`}${table === "large" ? "-large-table" : ""}`;
  const inFlight = clients < 10 ? 64 : 16;
  const of = `${clients} ${clients === 1 ? "client" : "clients"}`;
  const over = table === "small" ? `a table of ${SMALL_BITS} bits` : "the large table";
  const by = isAlone ? ", by an edge without books" : isOne ? "" : `, by ${processes} edge processes`;
  const what = `accepted shares a second of ${of}, ${inFlight} in flight each, over ${over}${by}: on disk before each is answered`;
  const lag = `${name}-loop-lag`;
  const rows: Record<string, Row> = {
    [name]: {
      ...{ unit: "shares/s", what, better: "more" },
      ...(isOne ? { growth: { of: `shares over ${over}${by}, by clients`, size: clients } } : {}),
    },
    ...(isOne && !isAlone
      ? {
          [lag]: {
            unit: "ms",
            what: "by how much the pool's main thread was late meanwhile, p99",
            better: "less",
          },
        }
      : {}),
    [`${name}-generator`]: {
      unit: "% of a core",
      what: "the load generator's own CPU: it is the limit near 100",
    },
  };
  const open = async (setting: Setting, room: Room): Promise<Opened> => {
    const bits = table === "small" ? SMALL_BITS : setting.bits;
    const shares = setting.quick ? QUICK_SHARES : table === "small" ? SHARES : SHARES_LARGE;
    const each = Math.ceil(shares / clients);
    const turns = async (login: Connecting): Promise<() => Promise<Values>> => {
      const mining = { bits, each, quick: setting.quick };
      const turn = await shareTurns(login, mining, room, (generator) => generator.flood({ inFlight }));
      return async () => {
        const { accepted, seconds, cpuPercent } = await turn();
        return { [name]: accepted / seconds, [`${name}-generator`]: cpuPercent };
      };
    };
    const pooled = async (): Promise<() => Promise<Values>> => {
      const pool = await startPool(bits, setting.quick, room, { processes });
      const flood = await turns(pool.login(clients));
      // Of several processes there is only the average, the idle one's too.
      if (!isOne) return flood;
      return async () => {
        // Each look begins a new measurement.
        await lagMs(pool.web);
        const values = await flood();
        return { ...values, [lag]: await lagMs(pool.web) };
      };
    };
    const alone = async (): Promise<() => Promise<Values>> =>
      turns(peerLogin((await startEdge(bits, room)).port, clients));
    const ours = await (isAlone ? alone() : pooled());
    const { pool: program } = setting.peers;
    if (program === undefined) return { ours, peer: undefined };
    const { port } = await startPeerPool(program, bits, room);
    return { ours, peer: await turns(peerLogin(port, clients)) };
  };
  return {
    name,
    what,
    rounds: isOne ? 5 : 3,
    isQuick: table === "small" && (isAlone ? clients === 4 : clients === 1 || clients === 100),
    needsTable: table === "large",
    rows,
    open,
  };
}

export const SHARES_BENCHES: readonly Bench[] = [
  ...[1, 4, 10, 100].map((clients) => sharesBench({ clients, table: "small" })),
  sharesBench({ clients: 100, table: "small", processes: 2 }),
  ...[1, 4, 100].map((clients) => sharesBench({ clients, table: "large" })),
  sharesBench({ clients: 100, table: "large", processes: 2 }),
  ...[1, 4, 100].map((clients) => sharesBench({ clients, table: "small", isAlone: true })),
  ...[1, 4, 100].map((clients) => sharesBench({ clients, table: "large", isAlone: true })),
];
