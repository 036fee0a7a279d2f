/** A user's own page: money, workers, blocks, payments. */

import { computed, effect, signal } from "@preact/signals";
import type { MeView, MyBlocksView, MyPaymentsView } from "../../../api/views/views.ts";
import type { RefusedView } from "../../../api/views/worker.ts";
import { Card, LoadingTiles, PageHead } from "../components/card.tsx";
import { ChartCard, type ChartOptions } from "../components/chart.tsx";
import { mount } from "../components/frame.tsx";
import { count } from "../format.ts";
import { get } from "../live/api.ts";
import { columnsByHeight } from "../live/by-height.ts";
import { attempt, feedOf } from "../live/fresh.ts";
import { mergeNewest } from "../live/merge.ts";
import { follow } from "../live/stream.ts";
import { watch } from "../live/watch.ts";
import { DownloadsCard } from "../parts/downloads.tsx";
import { MyBlocksTable } from "../parts/my-blocks.tsx";
import { MyMoney } from "../parts/my-money.tsx";
import { MyWorkers } from "../parts/my-workers.tsx";
import { PaymentsCard } from "../parts/payments.tsx";
import { RefusedCard } from "../parts/refused.tsx";
import { StoryForm } from "../parts/story-form.tsx";

/** Where the pool does not tell by itself. */
const POLL_MS = 5000;
const SHOWN_BLOCKS = 15;
const CHART_BLOCKS = 100;
/** Asked for again when a block came: those that may have changed. */
const NEWEST_BLOCKS = 10;

const SHARES: ChartOptions = {
  x: "height",
  series: [{ label: "Shares", color: "accent", kind: "bars", format: count }],
  axis: count,
  emptyTitle: "No block yet",
  emptyText: "Each block that you work on becomes a bar.",
};
const REWARD: ChartOptions = {
  x: "height",
  series: [
    {
      label: "Reward",
      color: "accent",
      kind: "bars",
      format: (value) => `${value.toLocaleString("en-US")} PEG`,
    },
  ],
  axis: count,
  emptyTitle: "No reward yet",
  emptyText: "Your part is booked when a block is sealed.",
};

const me = follow<MeView>("me", "/api/me", POLL_MS);
const payments = feedOf<MyPaymentsView>("/api/me/payments");
/** Hours of them: they change slowly. */
const refused = watch<RefusedView>("/api/me/refused", 60_000);
/** Newest first. */
const blocks = signal<MyBlocksView["blocks"] | undefined>(undefined);

/** What changes with each new block, sealed block or payment. */
const newest = computed(() => {
  const shown = me.value;
  if (shown === undefined) return undefined;
  return `${shown.pendingBlocks.map((block) => block.height)} ${shown.booked}`;
});
const money = computed(() => me.value && `${me.value.paidOut} ${me.value.adjusted}`);
effect(() => {
  if (newest.value !== undefined) void attempt(loadBlocks);
});
effect(() => {
  if (money.value !== undefined) void attempt(() => payments.refresh());
});

async function loadBlocks(): Promise<void> {
  const known = blocks.peek();
  const limit = known === undefined ? CHART_BLOCKS : NEWEST_BLOCKS;
  const { body } = await get<MyBlocksView>(`/api/me/blocks?limit=${limit}`);
  if (body !== undefined)
    blocks.value = mergeNewest(known ?? [], body.blocks, (block) => block.height, CHART_BLOCKS);
}

const sharesColumns = columnsByHeight(blocks, (block) => Number(block.shares));
const rewardColumns = columnsByHeight(blocks, (block) =>
  block.amount === null ? null : Number(block.amount) / 1e8,
);

function MyPage() {
  const shown = me.value;
  return (
    <>
      {shown === undefined ? <h1 class="loading">My page</h1> : <Head me={shown} />}
      {shown === undefined ? <LoadingTiles count={6} label="Your money" /> : <MyMoney me={shown} />}
      {shown !== undefined && <MyWorkers me={shown} />}
      {refused.value !== undefined && <RefusedCard view={refused.value} />}
      <div class="grid-2">
        <ChartCard title="Shares per block" options={SHARES} columns={sharesColumns} />
        <ChartCard title="Reward per block" options={REWARD} columns={rewardColumns} />
      </div>
      {blocks.value !== undefined && (
        <Card
          title="Your blocks"
          aside={
            <a class="small" href="/user/owed">
              All of them
            </a>
          }
        >
          <MyBlocksTable blocks={blocks.value.slice(0, SHOWN_BLOCKS)} />
        </Card>
      )}
      {payments.value.value !== undefined && <PaymentsCard view={payments.value.value} />}
      {shown !== undefined && <DownloadsCard />}
    </>
  );
}

function Head({ me: { name, payoutAddress } }: { me: MeView }) {
  return (
    <PageHead title={name}>
      <p class="muted small name">
        {payoutAddress === null ? "no payout address · " : `paid to ${payoutAddress} · `}
        <a href="/whoami">change</a> · <a href="/me/alerts">alerts</a> · <a href="/me/earnings">earnings</a> ·{" "}
        <a href="/me/verify">check my blocks</a>
      </p>
      <StoryForm />
    </PageHead>
  );
}

mount(MyPage);
