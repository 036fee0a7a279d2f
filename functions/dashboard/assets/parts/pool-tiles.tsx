/** The pool's figures in tiles. */

import type { PoolView } from "../../../api/views/views.ts";
import { Tile, Tiles } from "../components/card.tsx";
import { count, decimal, hashrateParts, peg, percent, plural } from "../format.ts";

export function PoolTiles({ pool }: { pool: PoolView }) {
  const last = pool.blocks[0];
  return (
    <Tiles label="The pool">
      <Tile
        name="Pool"
        figure={hashrateParts(pool.poolHashrate)}
        note="measured over the last 10 minutes"
        kind="lead"
      />
      <Tile name="Network" figure={hashrateParts(pool.networkHashrate)} note={networkNote(pool)} />
      <Tile
        name="Miners"
        figure={{ value: count(pool.miners) }}
        note={`${plural(pool.workers, "worker")} in 5 minutes${pool.connections === null ? "" : `, ${plural(pool.connections, "connection")}`}`}
      />
      <Tile
        name="Last block"
        figure={last === undefined ? { value: "–" } : { value: peg(last.reward, 0), unit: "PEG" }}
        note={last === undefined ? "none graded yet" : `${plural(last.winning, "place")} of 25`}
      />
      <Tile name="Luck" figure={luckFigure(pool.luck)} note={luckNote(pool.luck)} />
      <Tile
        name="Fee"
        figure={{ value: pool.feeRate === null ? "–" : percent(Number(pool.feeRate), 1) }}
        note="of each reward; miners share the rest by work"
      />
    </Tiles>
  );
}

function networkNote({ networkHashrate, poolHashrate }: PoolView): string {
  if (networkHashrate === null || networkHashrate <= 0) return "known after the first graded block";
  return `estimated; about ${percent(Math.min(1, poolHashrate / networkHashrate), 0)} of it is ours`;
}

function luckFigure(luck: PoolView["luck"]): { value: string } {
  return { value: luck.percent === null ? "–" : `${decimal(luck.percent, 0)} %` };
}

function luckNote(luck: PoolView["luck"]): string {
  if (luck.percent === null) return "too little to tell from yet";
  return `${count(luck.places)} places; ${decimal(luck.expectedPlaces, 0)} ± ${decimal(luck.deviation, 0)} expected in ${plural(luck.blocks, "block")}`;
}
