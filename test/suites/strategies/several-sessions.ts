/** One session played against another: of one worker, of two, at two edges. */

import { type Game, HASHES_A_SLICE } from "./game.ts";
import { alive, bestWorth, find, mine } from "./moves.ts";
import { BLOCK_MS } from "./pool.ts";
import type { Hit } from "./session.ts";
import { EASY, HARD, type Strategy } from "./strategy.ts";

/** A session that brings nothing soon is left for another. */
async function abandonUnlucky(game: Game): Promise<void> {
  let session = game.connect();
  await game.play(async () => {
    session = alive(game, session);
    const hits = find(game, session, HASHES_A_SLICE / 4).filter(({ reached }) => reached >= session.target);
    for (const hit of hits) session.send(hit);
    if (hits.length > 2) mine(game, session);
    else if (session.isMining) session.end();
  });
}

/** Each hit three times, on three sessions of two workers. */
async function manyTimes(game: Game): Promise<void> {
  const sessions = ["rig", "rig", "other"].map((worker) => game.connect({ worker }));
  await game.play(() => {
    for (const session of sessions)
      for (const hit of find(game, session, HASHES_A_SLICE / 3)) for (const on of sessions) on.send(hit);
  });
}

/** Hits of an easy target's session sent by another worker of the user, whose target is hard, and the reverse. */
async function otherWorker(game: Game): Promise<void> {
  const easy = game.connect({ worker: "easy" });
  const hard = game.connect({ worker: "hard" });
  await game.play(() => {
    if (easy.worth !== EASY) easy.wish(EASY);
    if (hard.worth !== HARD) hard.wish(HARD);
    for (const session of [easy, hard])
      for (const hit of find(game, session, HASHES_A_SLICE / 2)) (hit.luck >= HARD ? hard : easy).send(hit);
  });
}

/** Two edges, one of which hears of the next job later: hashes ahead under its prefix, and each hit is sent where it is worth more, then at the other. */
async function twoEdges(game: Game): Promise<void> {
  const [first, second] = game.pools;
  if (first === undefined || second === undefined) throw new Error("two edges are needed");
  const sessions = [game.connect({ pool: first }), game.connect({ pool: second })];
  const kept: Hit[] = [];
  await game.play(async () => {
    for (const session of sessions) {
      if (session.prefix === undefined) continue;
      kept.push(...game.hash(game.job, session.prefix, HASHES_A_SLICE / 2));
    }
    if (game.chance.hit(0.1)) sessions[1]?.wish(bestWorth(kept, sessions[1].worth));
    if (game.isMining && game.ageMs < BLOCK_MS - 1_000) return;
    const order = sessions.toSorted((a, b) => Number(b.worth - a.worth));
    for (const hit of kept.splice(0)) for (const session of order) session.send(hit);
  });
}

export const TWO_EDGES: Strategy = {
  name: "two edges, one behind the other",
  kind: "two desks",
  lagMs: 1_600,
  play: twoEdges,
};

export const ABANDONED: Strategy = { name: "sessions abandoned when unlucky", play: abandonUnlucky };

export const MANY_TIMES: Strategy = { name: "each hit three times, on three sessions", play: manyTimes };

export const OTHER_WORKER: Strategy = { name: "two workers, each sends for the other", play: otherWorker };
