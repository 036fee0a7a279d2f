/** Routes for everybody: the pool, its blocks, what it submitted, its health. */

import * as v from "valibot";
import { toHex } from "../../../shared/bytes.ts";
import { saidRoots } from "../../../shared/db/root-entries.ts";
import { blockAt, currentJob, placesOf, recentBlocks, recentSubmissions } from "../../../shared/db/stats.ts";
import { formatTarget } from "../../../shared/messages/stratum.ts";
import { blockViewOf, iso, type PoolFigures } from "../figures/pool.ts";
import { quoteList } from "../figures/prices.ts";
import { beforeHeight, heightQuery, jobQuery, limitQuery } from "../http/inputs.ts";
import { type ApiRoute, NO_BODY, publicRoute, refused, view } from "../http/route.ts";
import type { ApiModules, ApiOptions } from "../options.ts";
import type { BlockDetailView, BlockListView, SubmissionListView } from "../views/views.ts";

/** What changes with every share may be a second old, what changes with a block a few. */
const SHARES_SECONDS = 1;
const BLOCKS_SECONDS = 5;

export function poolRoutes(options: ApiOptions, modules: ApiModules, figures: PoolFigures): ApiRoute[] {
  const { db } = modules;
  return [
    publicRoute({
      method: "GET",
      path: "/api/pool",
      keepSeconds: SHARES_SECONDS,
      summary:
        "Everything on the first page: hash rates, miners, the current job and its prices, last blocks, luck",
      reply: "Pool",
      query: {},
      body: NO_BODY,
      run: async ({ visitedHost, isSecure }) => view(await figures.first({ host: visitedHost, isSecure })),
    }),
    publicRoute({
      method: "GET",
      path: "/api/pool/hashrate",
      keepSeconds: BLOCKS_SECONDS,
      summary: "The pool's hash rate of the last hour by minute",
      reply: "Hashrate",
      query: {},
      body: NO_BODY,
      run: async () => view(await figures.hashrate()),
    }),
    publicRoute({
      method: "GET",
      path: "/api/pool/history",
      keepSeconds: BLOCKS_SECONDS,
      summary: "The last 144 graded blocks, for charts",
      reply: "History",
      query: {},
      body: NO_BODY,
      run: async () => view(await figures.history()),
    }),
    publicRoute({
      method: "GET",
      path: "/api/pool/quotes",
      keepSeconds: BLOCKS_SECONDS,
      summary: "Every quote behind the current job's prices, used or not",
      reply: "QuoteList",
      refuses: ["404 no-job"],
      query: {},
      body: NO_BODY,
      run: async () => {
        const quotes = await figures.quotes();
        return quotes === undefined ? refused("404 no-job", "the pool has no job yet") : view(quotes);
      },
    }),
    ...blockRoutes(options, modules),
    publicRoute({
      method: "GET",
      path: "/api/submissions",
      keepSeconds: BLOCKS_SECONDS,
      summary: "Shares that met the submission rule and what became of them",
      reply: "SubmissionList",
      query: { limit: limitQuery, before: beforeHeight, job: jobQuery },
      body: NO_BODY,
      run: async ({ query }) => {
        const page = wholeBlocks(await recentSubmissions(db, query.limit, which(query)), query.limit);
        const submissions: SubmissionListView["submissions"] = page.rows.map((row) => ({
          entryHash: row.entryHash,
          height: row.height,
          target: formatTarget(row.target),
          state: row.state,
          reason: row.reason,
          at: iso(row.atMs),
        }));
        return view({ submissions, next: page.next } satisfies SubmissionListView);
      },
    }),
  ];
}

function blockRoutes(options: ApiOptions, { db, receiptKeys }: ApiModules): ApiRoute[] {
  return [
    publicRoute({
      method: "GET",
      path: "/api/blocks",
      keepSeconds: BLOCKS_SECONDS,
      summary: "Graded blocks with our places, reward and books, newest first",
      reply: "BlockList",
      query: { limit: limitQuery, before: beforeHeight },
      body: NO_BODY,
      run: async ({ query }) => {
        const rows = await recentBlocks(db, query.limit, query.before);
        const blocks = rows.map((block) => blockViewOf(block, options.blockSeconds));
        return view({ blocks, next: nextHeight(rows, query.limit) } satisfies BlockListView);
      },
    }),
    publicRoute({
      method: "GET",
      path: "/api/blocks/{height}/quotes",
      keepSeconds: BLOCKS_SECONDS,
      summary: "Every quote behind the prices of a block's job, used or not, and why: kept for ever",
      reply: "QuoteList",
      refuses: ["404 no-job"],
      query: {},
      body: NO_BODY,
      run: async ({ params }) => {
        const height = v.safeParse(heightQuery, params["height"]);
        const job =
          height.success && height.output !== undefined ? await currentJob(db, height.output) : undefined;
        return job === undefined
          ? refused("404 no-job", "the pool had no job of that height")
          : view(quoteList(job));
      },
    }),
    publicRoute({
      method: "GET",
      path: "/api/blocks/{height}",
      keepSeconds: BLOCKS_SECONDS,
      summary: "One block with all its graded records",
      reply: "BlockDetail",
      refuses: ["404 no-block"],
      query: {},
      body: NO_BODY,
      run: async ({ params }) => {
        const height = v.safeParse(heightQuery, params["height"]);
        const block =
          height.success && height.output !== undefined ? await blockAt(db, height.output) : undefined;
        if (block === undefined) return refused("404 no-block", "no graded block has that height");
        const winners = (await placesOf(db, block.height)).map((place) => ({
          ...place,
          difficulty: formatTarget(place.difficulty),
          payout: place.payout.toString(),
        }));
        const keys = await receiptKeys?.();
        const shown: BlockDetailView = {
          block: blockViewOf(block, options.blockSeconds),
          chain: await saidRoots(db, block.height),
          keyMr: block.keyMr,
          receiptKey: keys === undefined ? null : toHex(keys.signing.publicKey),
          formerReceiptKeys: [...(keys?.former ?? [])],
          winners,
        };
        return view(shown);
      },
    }),
  ];
}

/** What to give as `before` for the next page; null after the last one. */
export function nextHeight(rows: readonly { readonly height: number }[], limit: number): number | null {
  return rows.length < limit ? null : (rows.at(-1)?.height ?? null);
}

/**
 * A page of rows with several for each block, cut between blocks: a block that the limit cut in two goes to the next page. A block with
 * more rows than a page is shown up to the limit, best first.
 */
export function wholeBlocks<Row extends { readonly height: number }>(
  rows: readonly Row[],
  limit: number,
): { rows: readonly Row[]; next: number | null } {
  const last = rows.at(-1);
  if (rows.length < limit || last === undefined) return { rows, next: null };
  const whole = rows.filter((row) => row.height !== last.height);
  return whole.length === 0 ? { rows, next: last.height } : { rows: whole, next: last.height + 1 };
}

/** For exactOptionalPropertyTypes: a key without a value is left out. */
export function which(query: { job?: number | undefined; before?: number | undefined }): {
  height?: number;
  before?: number;
} {
  return {
    ...(query.job === undefined ? {} : { height: query.job }),
    ...(query.before === undefined ? {} : { before: query.before }),
  };
}
