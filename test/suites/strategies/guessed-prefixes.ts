/** Hashes under prefixes that the pool has not given yet, or to nobody. */

import { SESSION_BITS } from "../../../edge/shares/prefix-order.ts";
import { type Game, HASHES_A_SLICE } from "./game.ts";
import { alive, bestWorth, sendAll } from "./moves.ts";
import type { Hit, PlayerSession } from "./session.ts";
import type { Strategy } from "./strategy.ts";

/** Hashes ahead under a prefix that it hopes to be given by its next wish, and wishes what suits the hits. */
function guessByWish(
  guess: (game: Game, session: PlayerSession, seen: readonly number[]) => number,
): (game: Game) => Promise<void> {
  return async (game) => {
    let session = game.connect();
    const seen: number[] = [];
    let kept: Hit[] = [];
    let guessed: number | undefined;
    let wishedMs = 0;
    await game.play(async () => {
      session = alive(game, session);
      const { job, prefix } = session;
      if (!session.isMining || job === undefined || prefix === undefined) return;
      if (!seen.includes(prefix)) seen.push(prefix);
      guessed ??= guess(game, session, seen);
      kept.push(...game.hash(job, guessed, game.left));
      // Before it is asked, the pool gives no other target.
      if (game.ageMs - wishedMs < 1_100 && game.ageMs > wishedMs) return;
      wishedMs = game.ageMs;
      session.wish(bestWorth(kept, session.worth));
      await game.settle();
      if (session.prefix === guessed) sendAll(kept, session, ({ reached }) => reached >= session.target);
      kept = [];
      guessed = undefined;
    });
  };
}

/** Keeps some prefixes as nobody, hashes under each, and logs in where it was lucky. */
async function asNobody(game: Game): Promise<void> {
  const held = Array.from({ length: 4 }, () => ({
    session: game.connect({ isAnonymous: true }),
    hits: [] as Hit[],
  }));
  await game.settle();
  await game.play(async () => {
    for (const place of held) {
      const { session, hits } = place;
      if (session.isOver) Object.assign(place, { session: game.connect({ isAnonymous: true }), hits: [] });
      else if (session.prefix !== undefined)
        hits.push(...game.hash(game.job, session.prefix, HASHES_A_SLICE / 4));
    }
    const lucky = held.toSorted((a, b) => b.hits.length - a.hits.length)[0];
    if (lucky === undefined || lucky.hits.length < 60) return;
    const { target } = lucky.session;
    lucky.session.logIn();
    await game.settle();
    sendAll(lucky.hits, lucky.session, ({ reached }) => reached >= target);
    await game.settle();
    for (const { session } of held) session.end();
  });
}

/** The next prefix in the order of their numbers, within the slot. */
function nextOf(_game: Game, { prefix = 0 }: PlayerSession): number {
  const slot = prefix >>> SESSION_BITS;
  return ((slot << SESSION_BITS) | ((prefix + 1) & ((1 << SESSION_BITS) - 1))) >>> 0;
}

export const GUESSES_IN_ORDER: Strategy = {
  name: "hashes ahead under the next prefix in order, and wishes",
  play: guessByWish(nextOf),
};

export const GUESSES_OF_BEFORE: Strategy = {
  name: "hashes ahead under a prefix of the round before, and wishes",
  play: guessByWish((game, _session, seen) => game.chance.pick(seen)),
};

export const GUESSES_BY_CHANCE: Strategy = {
  name: "hashes ahead under a prefix by chance, and wishes",
  play: guessByWish((game, { prefix = 0 }) => {
    const slot = prefix >>> SESSION_BITS;
    return ((slot << SESSION_BITS) | game.chance.whole(0, (1 << SESSION_BITS) - 1)) >>> 0;
  }),
};

export const GUESSES_AND_CONNECTS: Strategy = {
  name: "hashes ahead under the next prefix, and connects again",
  async play(game) {
    let session = game.connect();
    await game.settle();
    await game.play(async () => {
      session = alive(game, session);
      await game.settle();
      const guess = nextOf(game, session);
      const hits = game.hash(game.job, guess, game.left);
      session.end();
      await game.settle();
      session = game.connect({ isAnonymous: hits.length < 60 });
      await game.settle();
      if (session.prefix === guess) for (const hit of hits) session.send(hit);
    });
  },
};

export const HELD_AS_NOBODY: Strategy = {
  name: "prefixes held as nobody, a login where it was lucky",
  play: asNobody,
};
