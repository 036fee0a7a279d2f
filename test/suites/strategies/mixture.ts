/** Anything at any time, drawn by chance. */

import { type Game, HASHES_A_SLICE } from "./game.ts";
import { find, sendBest } from "./moves.ts";
import type { Hit, PlayerSession } from "./session.ts";
import { CHOICES, type Strategy } from "./strategy.ts";

async function mixture(game: Game): Promise<void> {
  const { chance } = game;
  const sessions: PlayerSession[] = [game.connect()];
  const seen: number[] = [];
  const kept: Hit[] = [];
  await game.play(async () => {
    for (const session of sessions.splice(0)) if (!session.isOver) sessions.push(session);
    if (sessions.length === 0 || (sessions.length < 5 && chance.hit(0.05)))
      sessions.push(game.connect({ pool: chance.pick(game.pools), isAnonymous: chance.hit(0.3) }));
    const session = chance.pick(sessions);
    if (session.prefix !== undefined && !seen.includes(session.prefix)) seen.push(session.prefix);
    if (chance.hit(0.2)) session.wish(chance.pick(CHOICES));
    if (chance.hit(0.02)) session.end();
    if (!session.isLoggedIn && chance.hit(0.1)) session.logIn();
    if (chance.hit(0.01)) await game.stop();
    if (chance.hit(0.3)) await game.resume();
    if (chance.hit(0.002)) await chance.pick(game.pools).restart();
    if (chance.hit(0.8)) kept.push(...find(game, session, HASHES_A_SLICE / 2));
    if (seen.length > 0 && chance.hit(0.3)) kept.push(...game.hash(game.job, chance.pick(seen), 200));
    if (chance.hit(0.5)) sendBest(kept, session, !game.isMining);
    if (kept.length > 2_000) kept.splice(0, 1_000);
  });
}

export const MIXTURE: Strategy = { name: "any mixture", play: mixture };
