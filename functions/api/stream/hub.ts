/** What open pages follow: the pool's figures for everybody, and each user's own. The database is asked only while somebody looks. */

import type { Clock, Random } from "../../../shared/clock.ts";
import { coerceError } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/logger.ts";
import type { Figures } from "../figures/figures.ts";
import { LISTS, type TopicName, type View } from "./patch.ts";
import { type Listener, Topic } from "./topic.ts";

export interface LiveHub {
  /** `user` is needed for "me". Returns what ends it. */
  follow(
    topic: { name: "pool" } | { name: "me"; user: string },
    listener: Listener,
    lastId?: string,
  ): () => void;
  stop(): void;
}

/** A block or a job is shown within this time, and a share of one's own (its row comes a second or two after it). */
const PERIOD_MS: Readonly<Record<TopicName, number>> = { pool: 1000, me: 5000 };
const QUIET: Readonly<Record<TopicName, readonly string[]>> = {
  pool: [
    ...["poolHashrate", "hashrateSeconds", "networkHashrate", "miners", "workers", "connections"],
    ...["lastMinute", "stalledSeconds"],
  ],
  me: [],
};
const QUIET_MS = 20_000;
/** So long a topic without a page is kept for one that comes back. */
const LINGER_MS = 60_000;

interface Running {
  readonly topic: Topic;
  /** Reads the figures now: somebody has come. */
  hurry(): void;
  end(): void;
}

export function createLiveHub(
  figures: Figures,
  modules: { clock: Clock; random: Random; logger: Logger },
): LiveHub {
  const { clock, random, logger } = modules;
  const running = new Map<string, Running>();
  const loaders: Record<TopicName, (user: string) => Promise<View>> = {
    // How to connect depends on the address that the visitor used; its page was told already.
    pool: async () => {
      const { connect: _, ...pool } = await figures.pool.first();
      return pool;
    },
    me: (user) => figures.user.me(user),
  };

  const run = (key: string, name: TopicName, user: string): Running => {
    const topic = new Topic({
      epoch: Buffer.from(random(6)).toString("hex"),
      lists: LISTS[name],
      quiet: QUIET[name],
      quietMs: QUIET_MS,
    });
    let lastSeenMs = clock.monotonicMs();
    let timer: ReturnType<Clock["after"]> | undefined;
    let isOver = false;
    let isReading = false;
    const turn = async (): Promise<void> => {
      isReading = true;
      const nowMs = clock.monotonicMs();
      if (topic.listeners > 0) {
        lastSeenMs = nowMs;
        try {
          topic.update(await loaders[name](user), clock.monotonicMs());
        } catch (error) {
          // The page keeps what it shows; the next turn may do better.
          logger.warn("figures for open pages could not be read", {
            topic: name,
            error: coerceError(error).message,
          });
        }
      } else if (nowMs - lastSeenMs > LINGER_MS) running.delete(key);
      isReading = false;
      if (!isOver && running.has(key)) timer = clock.after(PERIOD_MS[name], () => void turn());
    };
    const hurry = (): void => {
      if (isReading || isOver) return;
      timer?.stop();
      timer = clock.after(0, () => void turn());
    };
    const end = (): void => {
      isOver = true;
      timer?.stop();
    };
    return { topic, hurry, end };
  };

  return {
    follow(wanted, listener, lastId) {
      const user = wanted.name === "me" ? wanted.user : "";
      const key = `${wanted.name} ${user}`;
      const known = running.get(key) ?? run(key, wanted.name, user);
      running.set(key, known);
      const unfollow = known.topic.follow(listener, lastId);
      known.hurry();
      return unfollow;
    },
    stop() {
      for (const { end } of running.values()) end();
      running.clear();
    },
  };
}
