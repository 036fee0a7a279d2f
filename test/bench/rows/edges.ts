/** What a second edge on the same machine gives: shares a second of two processes, beside one. */

import type { Bench, Opened, Setting, Values } from "../bench.ts";
import { startEdge } from "../edge.ts";
import { startPeerPool } from "../peers.ts";
import { peerLogin } from "../pool.ts";
import type { Room } from "../room.ts";
import { shareTurns } from "../share-turns.ts";

const BITS = 10;
const CLIENTS = 100;
const IN_FLIGHT = 16;
/** Some seconds: the first second is slower. */
const SHARES = 100_000;
const QUICK_SHARES = 2_000;
const EDGES = 2;

async function open(setting: Setting, room: Room): Promise<Opened> {
  const shares = setting.quick ? QUICK_SHARES : SHARES;
  const mining = { bits: BITS, each: shares / CLIENTS, quick: setting.quick };
  const edges = await Promise.all(Array.from({ length: EDGES }, () => startEdge(BITS, room)));
  const flood = (port: number, clients: number) =>
    shareTurns(peerLogin(port, clients), mining, room, (generator) =>
      generator.flood({ inFlight: IN_FLIGHT }),
    );
  const alone = await flood(edges[0]?.port ?? 0, CLIENTS);
  const together = await Promise.all(edges.map(({ port }) => flood(port, CLIENTS / EDGES)));
  const ours = async (): Promise<Values> => {
    const one = await alone();
    const each = await Promise.all(together.map((turn) => turn()));
    const rate =
      each.reduce((sum, { accepted }) => sum + accepted, 0) / Math.max(...each.map(({ seconds }) => seconds));
    const oneRate = one.accepted / one.seconds;
    return { "edges-1": oneRate, "edges-2": rate, "edges-gain": rate / oneRate };
  };
  const { pool } = setting.peers;
  if (pool === undefined) return { ours, peer: undefined };
  const { port } = await startPeerPool(pool, BITS, room);
  const theirs = await flood(port, CLIENTS);
  const peer = async (): Promise<Values> => {
    const { accepted, seconds } = await theirs();
    return { "edges-1": accepted / seconds, "edges-2": accepted / seconds };
  };
  return { ours, peer };
}

const what = (edges: string): string =>
  `accepted shares a second of ${CLIENTS} clients over a table of ${BITS} bits, without books: ${edges}`;

export const EDGES_BENCH: Bench = {
  name: "edges",
  what: "what a second process gives that takes half of the connections",
  rounds: 5,
  rows: {
    "edges-1": { unit: "shares/s", what: what("one edge"), better: "more" },
    "edges-2": { unit: "shares/s", what: what("two edges on the same machine, together"), better: "more" },
    "edges-gain": { unit: "times", what: "as many with the second edge", better: "more" },
  },
  open,
};
