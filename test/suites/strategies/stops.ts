/** Hashes while nobody is told to mine, and shares as late as they may come. */

import type { Game } from "./game.ts";
import { find, mine, sendAll } from "./moves.ts";
import { LATE_MS } from "./pool.ts";
import type { Hit, PlayerSession } from "./session.ts";
import type { Strategy } from "./strategy.ts";

/** On while it is stopped, for as long as nobody says anything else; sent when the job goes on, and at once as well. */
function onThroughStops(pauseMs: number): (game: Game) => Promise<void> {
  return async (game) => {
    const goOn = restless(game, game.connect());
    await game.play(async () => {
      if (game.isMining && game.ageMs > 3_000 && game.ageMs < 3_000 + pauseMs / 2) await game.stop();
      else if (!game.isMining && game.stoppedForMs > pauseMs) await game.resume();
      goOn(game.isMining);
    });
  };
}

/** Mines while it may; else hashes on, and sends what it finds at once and again when it may. */
function restless(game: Game, session: PlayerSession): (isMining: boolean) => void {
  const kept: Hit[] = [];
  let prefix = 0;
  return (isMining) => {
    if (isMining) {
      prefix = session.prefix ?? prefix;
      sendAll(kept, session);
      mine(game, session);
      return;
    }
    const hits = game.hash(session.job ?? game.job, prefix, game.left);
    for (const hit of hits) session.send(hit);
    kept.push(...hits);
  };
}

/** No job for an hour, twice in the game: hashes on, and sends all of it at once and again with the next job. */
async function withoutPrices(game: Game): Promise<void> {
  const session = game.connect();
  const goOn = restless(game, session);
  await game.play(() => {
    if (game.job.height % 6 === 0) game.savingMs = 3_600_000;
    goOn(session.isMining);
  });
}

/** All that a block brings is sent when it is over, with what the late time brings. */
async function allLate(game: Game): Promise<void> {
  const session = game.connect();
  const kept: Hit[] = [];
  let place = { prefix: 0, target: 0n };
  await game.play(() => {
    const { prefix, target, job } = session;
    if (session.isMining && prefix !== undefined) {
      place = { prefix, target };
      kept.push(...find(game, session).filter(({ reached }) => reached >= target));
      return;
    }
    if (job !== undefined && game.stoppedForMs <= LATE_MS / 2)
      kept.push(...game.hash(job, place.prefix, game.left).filter(({ reached }) => reached >= place.target));
    sendAll(kept, session);
  });
}

export const STOPS: Strategy = {
  name: "on through a stop, then the job goes on",
  play: onThroughStops(3_000),
};

export const WITHOUT_PRICES: Strategy = { name: "on through an hour without prices", play: withoutPrices };

export const ALL_LATE: Strategy = { name: "all shares late", sendsAll: true, play: allLate };
