/** The prices in the record being mined, and where each comes from. */

import type { JobView, PriceView } from "../../../api/views/views.ts";
import { Card, Empty } from "../components/card.tsx";
import { Ago } from "../components/figures.tsx";
import { ago, count, usd } from "../format.ts";
import { now } from "../live/clock.ts";

/** How many prices are shown at once. The rest opens on demand. */
const SHOWN = 24;
const TITLE = "Prices in the current record";

export function PricesCard({ job }: { job: JobView | null }) {
  if (job === null)
    return (
      <Card title={TITLE}>
        <Empty title="No record yet">It is made when prices and the last block are in.</Empty>
      </Card>
    );
  const rest = job.prices.slice(SHOWN);
  const age = job.pricesAt === null ? "–" : <Ago at={job.pricesAt} />;
  return (
    <Card
      title={TITLE}
      aside={
        <span class="reading">
          <span>
            {job.prices.length} assets in USD, of {age}
          </span>
        </span>
      }
    >
      <div class="prices">
        {job.prices.slice(0, SHOWN).map((price) => (
          <Price key={price.asset} price={price} />
        ))}
      </div>
      {rest.length > 0 && (
        <details class="more-prices">
          <summary>{rest.length} more</summary>
          <div class="prices">
            {rest.map((price) => (
              <Price key={price.asset} price={price} />
            ))}
          </div>
        </details>
      )}
      <p class="small muted record">
        <a href="/api/pool/quotes">Every quote behind them</a>. Record of block {count(job.height)}, version{" "}
        {job.version}: <code class="name">{job.oprHash}</code>
      </p>
    </Card>
  );
}

function Price({ price }: { price: PriceView }) {
  const { text, kind } = originOf(price);
  return (
    <div class="price">
      <b>{price.asset}</b>
      <span title={`${Number(price.price) / 1e8} USD`}>{usd(price.price)}</span>
      <small class={kind} title={text}>
        {text}
      </small>
    </div>
  );
}

function originOf(price: PriceView): { text: string; kind: string } {
  const rests = price.closed ? "closed · " : "";
  switch (price.basis) {
    case "quotes":
      return {
        text: `${rests}${price.source ?? "quotes"} · ${price.single ? "alone, as allowed" : agreeing(price.agreeing)}`,
        kind: "",
      };
    case "thin":
      return {
        text: `${rests}${price.source ?? "quotes"} · ${agreeing(price.agreeing)}, thin`,
        kind: "warn",
      };
    case "last-good":
      return { text: `last good price, ${ago(price.pricedAt, now.value)}`, kind: "warn" };
    case "carried":
      return { text: "carried from the last block", kind: "" };
    case "fixed":
      return { text: "fixed by the operator", kind: "" };
    case "zero":
      return { text: "no price in this version", kind: "" };
    case null:
      return { text: "", kind: "" };
  }
}

function agreeing(sources: number): string {
  return sources === 1 ? "alone" : `${sources} agree`;
}
