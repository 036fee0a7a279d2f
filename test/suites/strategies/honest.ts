/** Who does as it is told, and sends all of it. */

import { type Game, HASHES_A_SLICE } from "./game.ts";
import { mine } from "./moves.ts";
import { CHOICES, type Strategy } from "./strategy.ts";

function several(count: number): (game: Game) => Promise<void> {
  return async (game) => {
    const sessions = Array.from({ length: count }, () => game.connect());
    await game.play(() => {
      for (const session of sessions) mine(game, session, HASHES_A_SLICE / count);
    });
  };
}

export const HONEST: Strategy = { name: "honest", sendsAll: true, play: several(1) };

export const TWO_SESSIONS: Strategy = { name: "two sessions", sendsAll: true, play: several(2) };

export const MANY_SESSIONS: Strategy = { name: "many sessions", sendsAll: true, play: several(10) };

export const WISHES: Strategy = {
  name: "wishes often, sends all",
  sendsAll: true,
  async play(game) {
    const session = game.connect();
    await game.play(() => {
      if (game.chance.hit(0.15)) session.wish(game.chance.pick(CHOICES));
      mine(game, session);
    });
  },
};

export const CHANGING_PACE: Strategy = {
  name: "left to vardiff at a pace that changes, sends all",
  sendsAll: true,
  async play(game) {
    const session = game.connect();
    await game.play(() => mine(game, session, game.job.height % 4 < 2 ? game.left : game.left / 8));
  },
};
