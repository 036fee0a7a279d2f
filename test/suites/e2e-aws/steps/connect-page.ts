/** The page that gives a miner's line, and sees what becomes of it. */

import { performance } from "node:perf_hooks";
import * as v from "valibot";
import { expect } from "vitest";
import { until } from "../../../support/until.ts";
import type { DeployedPool } from "../deployed-pool.ts";
import { WEB_USER } from "./registration.ts";

const CODE = "ABCDEFGHIJKLMNOP";
const answer = v.object({
  watched: v.boolean(),
  seen: v.nullable(v.looseObject({ by: v.string(), problem: v.nullable(v.object({ words: v.string() })) })),
});

export async function watchMinerConnect(pool: DeployedPool): Promise<void> {
  const told = async () =>
    v.parse(answer, JSON.parse((await pool.web.send("GET", `/api/connect/${CODE}?seconds=0`)).body));
  /** As the page asks. */
  const within5s = async (
    what: string,
    fits: (seen: Record<string, unknown>) => boolean,
  ): Promise<number> => {
    const beganMs = performance.now();
    await until(
      what,
      async () => {
        const { seen } = await told();
        return seen !== null && fits(seen);
      },
      { withinMs: 30_000, everyMs: 2_000 },
    );
    return Math.round(performance.now() - beganMs);
  };
  expect(await told()).toEqual({ watched: true, seen: null });
  // On the edge that the page does not name, as a balancer may have it.
  const miner = await pool.connectTo(1);
  const say = (id: number, method: string, ...params: string[]): void =>
    miner.send(`${JSON.stringify({ id, method, params })}\n`);
  say(1, "mining.subscribe", `prosper-ts/0.1 connect/${CODE}`);
  const times = [await within5s("subscribed", ({ subscribed }) => subscribed !== null)];
  say(2, "mining.authorize", "nobody-known,rig", "", "", "");
  times.push(await within5s("a refused login", ({ problem }) => problem !== null));
  say(3, "mining.authorize", `${WEB_USER},rig`, "", "", "");
  times.push(await within5s("logged in", ({ loggedIn }) => loggedIn !== null));
  miner.destroy();
  times.push(await within5s("gone", ({ closed }) => closed === true));
  for (const ms of times) expect(ms).toBeLessThan(5_000);
  pool.step(`a page saw a new miner's steps after ${times.join(", ")} ms`);
}
