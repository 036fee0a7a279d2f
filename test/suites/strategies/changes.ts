/** What an honest miner loses when its line is cut and another edge takes it: shares of the first edge's prefixes count only there. */

import { Game } from "./game.ts";
import { BLOCK_MS } from "./pool.ts";
import type { Hit, PlayerSession } from "./session.ts";

/** From the cut to the next connection, in which it goes on with what it has: as the bundled miner's first attempt. */
export const OFFLINE_MS = 1_000;

export interface ChangeResult {
  readonly changes: number;
  readonly made: number;
  /** Hashes of the shares that were found and refused. */
  readonly lost: number;
}

/** Cut once a block, and back at the other edge or the same one. */
export async function changeEdges(
  toOther: boolean,
  options: { seed: number; hashes: number },
): Promise<ChangeResult> {
  const game = await Game.begin({ ...options, kind: "two desks" });
  let at = 0;
  let session: PlayerSession = game.connect();
  let changes = 0;
  let sent = 0;
  let cut: { readonly atMs: number; readonly from: PlayerSession; readonly hits: Hit[] } | undefined;
  let height = 0;
  let cutAtMs = 0;
  await game.play(async () => {
    if (game.job.height !== height) {
      height = game.job.height;
      cutAtMs = game.chance.between(1_000, BLOCK_MS - 2 * OFFLINE_MS);
    }
    if (cut === undefined && game.isMining && game.ageMs >= cutAtMs && changes < height - 999) {
      cut = { atMs: game.ageMs, from: session, hits: [] };
      session.end();
      changes += 1;
    }
    const from = cut?.from ?? session;
    const { job, prefix, target } = from;
    const isTold = cut !== undefined || session.isMining;
    const found =
      isTold && job !== undefined && prefix !== undefined ? game.hash(job, prefix, game.left) : [];
    const hits = found.filter(({ reached }) => reached >= target);
    const send = (hit: Hit): void => {
      sent += Number(from.worth);
      session.send(hit);
    };
    if (cut === undefined) hits.forEach(send);
    else cut.hits.push(...hits);
    if (cut === undefined || game.ageMs < cut.atMs + OFFLINE_MS) return;
    at = toOther ? 1 - at : at;
    const pool = game.pools[at];
    session = game.connect(pool === undefined ? {} : { pool });
    await game.settle();
    cut.hits.forEach(send);
    cut = undefined;
  });
  return { changes, made: game.made, lost: sent - Number(game.credited) };
}
