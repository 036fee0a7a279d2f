/** What strategies are made of: moves of one turn. */

import type { Game } from "./game.ts";
import type { Hit, PlayerSession } from "./session.ts";
import { CHOICES } from "./strategy.ts";

const WISHES_AHEAD = [...CHOICES, 512n, 2_048n, 4_096n] as const;

/** As it is told to, all of it, at once. */
export function mine(game: Game, session: PlayerSession, hashes = game.left): void {
  for (const hit of find(game, session, hashes)) if (hit.reached >= session.target) session.send(hit);
}

/** As it is told to, but what it finds is kept. */
export function find(game: Game, session: PlayerSession, hashes = game.left): Hit[] {
  const { isMining, job, prefix } = session;
  return isMining && job !== undefined && prefix !== undefined ? game.hash(job, prefix, hashes) : [];
}

export function sendAll(
  hits: Hit[],
  session: PlayerSession,
  where: (hit: Hit) => boolean = () => true,
): void {
  for (const hit of hits.splice(0)) if (where(hit)) session.send(hit);
}

/** The session, or a new one where it is over. */
export function alive(game: Game, session: PlayerSession): PlayerSession {
  return session.isOver ? game.connect() : session;
}

/** Those that reach the session's target and are worth it; `isLast`: all the others too. */
export function sendBest(kept: Hit[], session: PlayerSession, isLast: boolean): void {
  const worth = session.worth;
  const chosen = kept.filter(({ luck }) => isLast || luck >= worth);
  const rest = kept.filter((hit) => !chosen.includes(hit));
  kept.splice(0, kept.length, ...rest);
  for (const hit of chosen) session.send(hit);
}

/** The target at which these hits are worth most; another than the present one, which would bring no new prefix. */
export function bestWorth(hits: readonly Hit[], present: bigint): bigint {
  const value = (worth: bigint): bigint => worth * BigInt(hits.filter(({ luck }) => luck >= worth).length);
  const others = WISHES_AHEAD.filter((worth) => worth !== present);
  return others.reduce((best, worth) => (value(worth) > value(best) ? worth : best));
}
