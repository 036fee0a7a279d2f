/** Ways to mine, honest and not (the issue that asked for the law names most of them). Each is played slice by slice (game.ts). */

import { SESSION_BITS } from "../../../edge/shares/prefix-order.ts";
import { type Game, HASHES_A_SLICE, type Kind } from "./game.ts";
import { BLOCK_MS, LATE_MS } from "./pool.ts";
import type { Hit, PlayerSession } from "./session.ts";

export interface Strategy {
  readonly name: string;
  readonly kind?: Kind;
  /** It sends all that it finds, in time: the law says what it gets, and not only what it does not. */
  readonly sendsAll?: boolean;
  readonly lagMs?: number;
  play(game: Game): Promise<void>;
}

/** Targets to choose from, in hashes a share. */
const CHOICES = [16n, 64n, 256n, 1_024n] as const;
const WISHES_AHEAD = [...CHOICES, 512n, 2_048n, 4_096n] as const;
const HARD = 1_024n;
const EASY = 16n;

/** As it is told to, all of it, at once. */
function mine(game: Game, session: PlayerSession, hashes = game.left): void {
  for (const hit of find(game, session, hashes)) if (hit.reached >= session.target) session.send(hit);
}

/** As it is told to, but what it finds is kept. */
function find(game: Game, session: PlayerSession, hashes = game.left): Hit[] {
  const { isMining, job, prefix } = session;
  return isMining && job !== undefined && prefix !== undefined ? game.hash(job, prefix, hashes) : [];
}

function sendAll(hits: Hit[], session: PlayerSession, where: (hit: Hit) => boolean = () => true): void {
  for (const hit of hits.splice(0)) if (where(hit)) session.send(hit);
}

/** The session, or a new one where it is over. */
function alive(game: Game, session: PlayerSession): PlayerSession {
  return session.isOver ? game.connect() : session;
}

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

/** Those that reach the session's target and are worth it; `isLast`: all the others too. */
function sendBest(kept: Hit[], session: PlayerSession, isLast: boolean): void {
  const worth = session.worth;
  const chosen = kept.filter(({ luck }) => isLast || luck >= worth);
  const rest = kept.filter((hit) => !chosen.includes(hit));
  kept.splice(0, kept.length, ...rest);
  for (const hit of chosen) session.send(hit);
}

/** The target at which these hits are worth most; another than the present one, which would bring no new prefix. */
function bestWorth(hits: readonly Hit[], present: bigint): bigint {
  const value = (worth: bigint): bigint => worth * BigInt(hits.filter(({ luck }) => luck >= worth).length);
  const others = WISHES_AHEAD.filter((worth) => worth !== present);
  return others.reduce((best, worth) => (value(worth) > value(best) ? worth : best));
}

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

function several(count: number): (game: Game) => Promise<void> {
  return async (game) => {
    const sessions = Array.from({ length: count }, () => game.connect());
    await game.play(() => {
      for (const session of sessions) mine(game, session, HASHES_A_SLICE / count);
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

/** Anything at any time. */
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

/** The next prefix in the order of their numbers, within the slot. */
function nextOf(_game: Game, { prefix = 0 }: PlayerSession): number {
  const slot = prefix >>> SESSION_BITS;
  return ((slot << SESSION_BITS) | ((prefix + 1) & ((1 << SESSION_BITS) - 1))) >>> 0;
}

export const GUESSES_IN_ORDER: Strategy = {
  name: "hashes ahead under the next prefix in order, and wishes",
  play: guessByWish(nextOf),
};

const HONEST: Strategy = { name: "honest", sendsAll: true, play: several(1) };
const HIGHEST: Strategy = {
  name: "hits kept, sent where the highest target is in force",
  play: highestInForce,
};
const WISHES: Strategy = {
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
const HARD_TO_EASY: Strategy = {
  name: "one connection, from hard to easy",
  play: keepAndSend({ first: HARD, next: EASY, sendsDue: true }),
};
const ONE_AFTER_THE_OTHER: Strategy = {
  name: "hits kept, all targets in turn from hard to easy",
  play: inTurn,
};
const STOPS: Strategy = { name: "on through a stop, then the job goes on", play: onThroughStops(3_000) };

export const STRATEGIES: readonly Strategy[] = [
  HONEST,
  { name: "two sessions", sendsAll: true, play: several(2) },
  { name: "many sessions", sendsAll: true, play: several(10) },
  HIGHEST,
  ONE_AFTER_THE_OTHER,
  HARD_TO_EASY,
  { name: "one connection, from easy to hard", play: keepAndSend({ first: EASY, next: HARD }) },
  {
    name: "kept across a disconnection",
    play: keepAndSend({ first: EASY, next: HARD }, async (game, session) => {
      session.end();
      await game.settle();
      return game.connect();
    }),
  },
  {
    name: "kept across a restart",
    play: keepAndSend({ first: EASY, next: HARD }, async (game) => {
      await game.pools[0]?.restart();
      return game.connect();
    }),
  },
  {
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
  },
  { name: "two edges, one behind the other", kind: "two desks", lagMs: 1_600, play: twoEdges },
  WISHES,
  {
    name: "left to vardiff at a pace that changes, sends all",
    sendsAll: true,
    async play(game) {
      const session = game.connect();
      await game.play(() => mine(game, session, game.job.height % 4 < 2 ? game.left : game.left / 8));
    },
  },
  GUESSES_IN_ORDER,
  {
    name: "hashes ahead under a prefix of the round before, and wishes",
    play: guessByWish((game, _session, seen) => game.chance.pick(seen)),
  },
  {
    name: "hashes ahead under a prefix by chance, and wishes",
    play: guessByWish((game, { prefix = 0 }) => {
      const slot = prefix >>> SESSION_BITS;
      return ((slot << SESSION_BITS) | game.chance.whole(0, (1 << SESSION_BITS) - 1)) >>> 0;
    }),
  },
  {
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
  },
  { name: "prefixes held as nobody, a login where it was lucky", play: asNobody },
  STOPS,
  { name: "on through an hour without prices", play: withoutPrices },
  { name: "all shares late", sendsAll: true, play: allLate },
  { name: "sessions abandoned when unlucky", play: abandonUnlucky },
  { name: "each hit three times, on three sessions", play: manyTimes },
  { name: "two workers, each sends for the other", play: otherWorker },
  { ...HONEST, name: "stratum alone: honest", kind: "open" },
  { ...WISHES, name: "stratum alone: wishes often, sends all", kind: "open" },
  { ...HIGHEST, name: "stratum alone: sent where the highest target is in force", kind: "open" },
  { ...HARD_TO_EASY, name: "stratum alone: from hard to easy", kind: "open" },
  { ...STOPS, name: "stratum alone: on through a stop", kind: "open" },
  { ...GUESSES_IN_ORDER, name: "stratum alone: hashes ahead under the next prefix", kind: "open" },
  { name: "any mixture", play: mixture },
  { name: "any mixture, two edges", kind: "two desks", lagMs: 600, play: mixture },
  { name: "stratum alone: any mixture", kind: "open", play: mixture },
];
