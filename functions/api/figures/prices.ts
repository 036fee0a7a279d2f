/** The prices of a job with where each comes from, as the poller recorded it (shared/prices). */

import * as v from "valibot";
import type { CurrentJob } from "../../../shared/db/stats.ts";
import { priceView } from "../views/pool.ts";
import type { PriceView, QuoteListView } from "../views/views.ts";

const quoteLine = v.tuple([v.string(), v.string(), v.number(), v.string()]);
const priceNote = v.object({
  basis: v.unwrap(priceView.entries.basis.pipe[0]),
  sinceMs: v.optional(v.number()),
  closed: v.optional(v.boolean(), false),
  single: v.optional(v.boolean(), false),
  quotes: v.array(quoteLine),
});
type PriceNote = v.InferOutput<typeof priceNote>;
/** When the notes have another form, prices are still shown, but without their sources. */
const priceNotes = v.fallback(v.record(v.string(), v.fallback(v.nullable(priceNote), null)), {});

/** In the order of the record's assets by name, PEG first. */
export function priceViews(job: CurrentJob): PriceView[] {
  const notes = v.parse(priceNotes, job.quotes);
  return byName(job.prices).map(([asset, price]) =>
    priceOf(asset, price, notes[asset] ?? undefined, job.pricesAtMs),
  );
}

/** The same with every quote, used or not. */
export function quoteList(job: CurrentJob): QuoteListView {
  const notes = v.parse(priceNotes, job.quotes);
  return {
    height: job.height,
    pricesAt: job.pricesAtMs === null ? null : new Date(job.pricesAtMs).toISOString(),
    assets: byName(job.prices).map(([asset, price]) => ({
      ...priceOf(asset, price, notes[asset] ?? undefined, job.pricesAtMs),
      quotes: (notes[asset]?.quotes ?? []).map(([source, quoted, ageSeconds, fate]) => ({
        source,
        price: quoted,
        ageSeconds,
        fate,
      })),
    })),
  };
}

function byName(prices: Readonly<Record<string, bigint>>): [string, bigint][] {
  const rank = (asset: string): string => (asset === "PEG" ? "" : asset);
  return Object.entries(prices).sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1));
}

function priceOf(
  asset: string,
  price: bigint,
  note: PriceNote | undefined,
  pricesAtMs: number | null,
): PriceView {
  const used = note?.quotes.find(([, , , fate]) => fate === "used");
  const agreeing = note?.quotes.filter(([, , , fate]) => fate === "used" || fate === "agreed").length ?? 0;
  const quotedAtMs = used === undefined || pricesAtMs === null ? undefined : pricesAtMs - used[2] * 1000;
  const pricedAtMs = note?.sinceMs ?? quotedAtMs;
  return {
    asset,
    price: price.toString(),
    basis: note?.basis ?? null,
    source: used?.[0] ?? null,
    pricedAt: pricedAtMs === undefined ? null : new Date(pricedAtMs).toISOString(),
    agreeing,
    closed: note?.closed ?? false,
    single: note?.single ?? false,
  };
}
