/** Hits that are kept, and sent where another target is in force than they were found at. */

import { type Game, HASHES_A_SLICE } from "./game.ts";
import { alive, find, mine, sendBest } from "./moves.ts";
import { BLOCK_MS } from "./pool.ts";
import type { Hit, PlayerSession } from "./session.ts";
import { CHOICES, EASY, HARD, type Strategy } from "./strategy.ts";

/**
 * Keeps what it finds at one target, and sends it where another is in force; `change` comes in the middle of each block. `sendsDue`: what reaches the
 * first target is sent at once, and only what does not is kept.
 */
function keepAndSend(
  wishes: { readonly first: bigint; readonly next: bigint; readonly sendsDue?: boolean },
  change: (game: Game, session: PlayerSession) => Promise<PlayerSession> | PlayerSession = (_game, session) =>
    session,
): (game: Game) => Promise<void> {
  return async (game) => {
    let session = game.connect();
    const kept: Hit[] = [];
    let height = 0;
    let isChanged = false;
    await game.play(async () => {
      session = alive(game, session);
      if (game.job.height !== height) {
        height = game.job.height;
        isChanged = false;
        session.wish(wishes.first);
      }
      if (!isChanged && game.ageMs > BLOCK_MS / 2) {
        isChanged = true;
        session = await change(game, session);
        await game.settle();
        session.wish(wishes.next);
      }
      if (!isChanged) {
        const hits = find(game, session);
        const isDue = ({ reached }: Hit): boolean => wishes.sendsDue === true && reached >= session.target;
        for (const hit of hits.filter(isDue)) session.send(hit);
        kept.push(...hits.filter((hit) => !isDue(hit)));
      } else if (session.worth === wishes.next || !game.isMining) sendBest(kept, session, !game.isMining);
      mine(game, session);
    });
  };
}

/** Hits kept, and each sent on the session where the highest target that it reaches is in force. The easiest one is closed, its prefix held earlier. */
async function highestInForce(game: Game): Promise<void> {
  const sessions = CHOICES.map(() => game.connect());
  const kept: Hit[] = [];
  let height = 0;
  await game.play(() => {
    if (game.job.height !== height) {
      height = game.job.height;
      if (sessions[0]?.isOver === true) sessions[0] = game.connect();
    }
    for (const [index, session] of sessions.entries()) {
      if (session.worth !== CHOICES[index]) session.wish(CHOICES[index] ?? EASY);
      kept.push(...find(game, session, HASHES_A_SLICE / sessions.length));
    }
    if (game.isMining && game.ageMs < BLOCK_MS - 1_000) return;
    sessions[0]?.end();
    const open = sessions.filter(({ isOver }) => !isOver).toSorted((a, b) => Number(b.worth - a.worth));
    for (const hit of kept.splice(0)) (open.find(({ worth }) => worth <= hit.luck) ?? open.at(-1))?.send(hit);
  });
}

/** Hits of half a block kept, then each target is wished for, the hardest first, and gets those that reach it and are left. */
async function inTurn(game: Game): Promise<void> {
  let session = game.connect();
  const kept: Hit[] = [];
  let height = 0;
  let place = -1;
  let wishedMs = 0;
  await game.play(async () => {
    session = alive(game, session);
    if (game.job.height !== height) {
      height = game.job.height;
      place = -1;
      session.wish(EASY);
    }
    if (game.isMining && game.ageMs < BLOCK_MS / 2) {
      kept.push(...find(game, session));
      return;
    }
    if (place < CHOICES.length - 1 && game.ageMs - wishedMs > 1_100) {
      place += 1;
      session.wish(CHOICES.at(-1 - place) ?? EASY);
      await game.settle();
      wishedMs = game.ageMs;
    }
    sendBest(kept, session, !game.isMining);
  });
}

export const HIGHEST: Strategy = {
  name: "hits kept, sent where the highest target is in force",
  play: highestInForce,
};

export const ONE_AFTER_THE_OTHER: Strategy = {
  name: "hits kept, all targets in turn from hard to easy",
  play: inTurn,
};

export const HARD_TO_EASY: Strategy = {
  name: "one connection, from hard to easy",
  play: keepAndSend({ first: HARD, next: EASY, sendsDue: true }),
};

export const EASY_TO_HARD: Strategy = {
  name: "one connection, from easy to hard",
  play: keepAndSend({ first: EASY, next: HARD }),
};

export const ACROSS_A_DISCONNECTION: Strategy = {
  name: "kept across a disconnection",
  play: keepAndSend({ first: EASY, next: HARD }, async (game, session) => {
    session.end();
    await game.settle();
    return game.connect();
  }),
};

export const ACROSS_A_RESTART: Strategy = {
  name: "kept across a restart",
  play: keepAndSend({ first: EASY, next: HARD }, async (game) => {
    await game.pools[0]?.restart();
    return game.connect();
  }),
};

export const ACROSS_JOBS: Strategy = {
  name: "kept across a job change, the target changed with it",
  async play(game) {
    const session = game.connect();
    const kept: Hit[] = [];
    let height = 0;
    await game.play(() => {
      if (game.job.height !== height) {
        height = game.job.height;
        session.wish(height % 2 === 0 ? EASY : HARD);
        sendBest(kept, session, true);
      }
      kept.push(...find(game, session));
    });
  },
};
