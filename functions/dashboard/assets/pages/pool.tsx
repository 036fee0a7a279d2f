/** The first page: the pool at a glance, without a login. */

import { computed, effect, signal } from "@preact/signals";
import type { BlockView, HashrateView, HistoryView, PoolView } from "../../../api/views/views.ts";
import { Card, LoadingTiles } from "../components/card.tsx";
import { ChartCard, type ChartOptions } from "../components/chart.tsx";
import { mount } from "../components/frame.tsx";
import { count, decimal, hashrate } from "../format.ts";
import { columnsByHeight } from "../live/by-height.ts";
import { attempt, feedOf } from "../live/fresh.ts";
import { mergeNewest } from "../live/merge.ts";
import { user } from "../live/session.ts";
import { follow } from "../live/stream.ts";
import { BlocksTable } from "../parts/blocks-table.tsx";
import { ConnectCard } from "../parts/connect.tsx";
import { NowHead } from "../parts/now.tsx";
import { PoolTiles } from "../parts/pool-tiles.tsx";
import { PricesCard } from "../parts/prices.tsx";
import { HowToRead, Welcome } from "../parts/welcome.tsx";

/** Where the pool does not tell by itself. */
const POLL_MS = 10_000;
const HISTORY_BLOCKS = 144;
const HOUR_MINUTES = 60;
const FEWEST_MINUTES = 10;
const axisCount = (value: number): string => (value >= 10_000 ? `${count(value / 1000)}k` : count(value));

const HOUR: ChartOptions = {
  x: "time",
  series: [{ label: "Pool", color: "accent", kind: "area", format: hashrate }],
  axis: hashrate,
  emptyTitle: "No line yet",
  emptyText: "The line begins with the first minute of work.",
};
const PLACES: ChartOptions = {
  x: "height",
  series: [
    { label: "Places", color: "accent", kind: "bars", format: count },
    { label: "Expected", color: "second", kind: "dashes", format: (value) => decimal(value) },
  ],
  axis: count,
  max: 25,
  emptyTitle: "No graded block yet",
  emptyText: "Each block pays 25 places.",
};
const REWARD: ChartOptions = {
  x: "height",
  series: [{ label: "Reward", color: "accent", kind: "bars", format: (value) => `${count(value)} PEG` }],
  axis: axisCount,
  emptyTitle: "No reward yet",
  emptyText: "Rewards are booked when a block is graded.",
};
const SHARES: ChartOptions = {
  x: "height",
  series: [{ label: "Shares", color: "accent", kind: "bars", format: count }],
  axis: axisCount,
  emptyTitle: "No sealed block yet",
  emptyText: "A block's shares are final when it is sealed.",
};
const NETWORK: ChartOptions = {
  x: "height",
  series: [
    { label: "Pool", color: "accent", kind: "line", format: hashrate },
    { label: "Network", color: "second", kind: "line", format: hashrate },
  ],
  axis: hashrate,
  emptyTitle: "No graded block yet",
  emptyText: "The network's rate is estimated from each block's records.",
};

const pool = follow<PoolView>("pool", "/api/pool", POLL_MS);
const history = feedOf<HistoryView>("/api/pool/history");
const hour = feedOf<HashrateView>("/api/pool/hashrate");

/** Newest first: the history once, then whatever the pool's figures say of its newest blocks. */
const blocks = signal<readonly BlockView[] | undefined>(undefined);
effect(() => {
  const known = history.value.value;
  const newest = pool.value?.blocks;
  if (known === undefined) return;
  blocks.value = mergeNewest(
    blocks.peek() ?? known.blocks,
    newest ?? [],
    (block) => block.height,
    HISTORY_BLOCKS,
  );
});

const placesColumns = columnsByHeight(
  blocks,
  (block) => block.winning,
  (block) => block.expectedPlaces,
);
const rewardColumns = columnsByHeight(blocks, (block) => Number(BigInt(block.reward) / 1_000_000n) / 100);
const sharesColumns = columnsByHeight(blocks, (block) =>
  block.shares === null ? null : Number(block.shares),
);
const networkColumns = columnsByHeight(
  blocks,
  (block) => block.poolHashrate,
  (block) => block.networkHashrate,
);

type Point = HashrateView["points"][number];

/** Newest first: the hour once, then each minute as the pool's figures tell it. */
const minutes = signal<readonly Point[] | undefined>(undefined);
effect(() => {
  const known = hour.value.value?.points;
  const newest = pool.value?.lastMinute;
  if (known === undefined) return;
  minutes.value = mergeNewest(minutes.peek() ?? known, newest ? [newest] : [], ([at]) => at, HOUR_MINUTES);
});

/** The chart begins with the first rate, so that a new pool's line fills it. */
const hourColumns = computed(() => {
  const points = minutes.value?.toReversed();
  if (points === undefined) return undefined;
  const first = points.findIndex(([, rate]) => rate !== null);
  const shown = points.slice(Math.max(0, Math.min(first, points.length - FEWEST_MINUTES)));
  return [shown.map(([at]) => at), shown.map(([, rate]) => rate)];
});

function PoolPage() {
  const shown = pool.value;
  return (
    <>
      {shown === undefined ? <h1 class="loading">Mining block 000,000</h1> : <NowHead pool={shown} />}
      {user.value === null && <Welcome />}
      {shown === undefined ? <LoadingTiles count={6} label="The pool" /> : <PoolTiles pool={shown} />}
      {shown !== undefined && user.value === null && <ConnectCard connect={shown.connect} />}
      <div class="grid-2">
        <ChartCard title="Pool hash rate, last hour" options={HOUR} columns={hourColumns} />
        <ChartCard title="Our places per block" options={PLACES} columns={placesColumns} />
        <ChartCard title="Reward per block" options={REWARD} columns={rewardColumns} />
        <ChartCard title="Shares per block" options={SHARES} columns={sharesColumns} />
      </div>
      <ChartCard title="Hash rate by block" options={NETWORK} columns={networkColumns} />
      {shown !== undefined && <LastBlocks blocks={shown.blocks} />}
      {shown !== undefined && user.value && <ConnectCard connect={shown.connect} />}
      {shown !== undefined && <PricesCard job={shown.job} />}
      <form action="/find" class="find">
        <input name="who" placeholder="Name or FA address" aria-label="User name or FA address" />
        <button type="submit">Find my miner</button>
      </form>
      <HowToRead />
    </>
  );
}

function LastBlocks({ blocks: newest }: { blocks: readonly BlockView[] }) {
  const all = (
    <a class="small" href="/pool/rewards">
      All blocks and their books
    </a>
  );
  return (
    <Card title="Last blocks" aside={newest.length > 0 && all}>
      <BlocksTable blocks={newest} books={false} />
    </Card>
  );
}

for (const feed of [history, hour]) void attempt(() => feed.refresh());
mount(PoolPage);
