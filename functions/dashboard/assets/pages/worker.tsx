/** One worker of one's own: how it does, what it did, and when that changed. */

import { computed, signal } from "@preact/signals";
import type {
  RefusedView,
  WorkerDetailView,
  WorkerHistoryView,
  WorkerView,
} from "../../../api/views/worker.ts";
import { Card, Empty, LoadingTiles, PageHead, Tile, Tiles } from "../components/card.tsx";
import { ChartCard, type ChartOptions } from "../components/chart.tsx";
import { When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, duration, hashrate, hashrateParts, percent } from "../format.ts";
import { ApiError, get } from "../live/api.ts";
import { now } from "../live/clock.ts";
import { attempt, keepFresh } from "../live/fresh.ts";
import { watch } from "../live/watch.ts";
import { HideButton } from "../parts/my-workers.tsx";
import { RefusedCard } from "../parts/refused.tsx";
import { nameOf, WorkerStateTag } from "../parts/worker-state.tsx";

const DETAIL_MS = 10_000;
const CHART_MS = 60_000;
const SPANS = { day: "24 h", week: "7 d", month: "30 d" } as const;
type Span = keyof typeof SPANS;
type Change = WorkerDetailView["changes"][number];

const name = new URLSearchParams(location.search).get("name") ?? "";
/** Null: there is none. */
const detail = signal<WorkerDetailView | null | undefined>(undefined);
const history = signal<WorkerHistoryView | undefined>(undefined);
const span = signal<Span>("day");
let etag: string | undefined;
const refused = watch<RefusedView>(`/api/me/refused?${new URLSearchParams({ worker: name })}`, CHART_MS);

keepFresh(DETAIL_MS, async () => {
  try {
    const answer = await get<WorkerDetailView>(`/api/me/worker?${new URLSearchParams({ name })}`, etag);
    etag = answer.etag;
    if (answer.body !== undefined) detail.value = answer.body;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    detail.value = null;
  }
});
keepFresh(CHART_MS, loadHistory);

async function loadHistory(): Promise<void> {
  const wanted = span.peek();
  const { body } = await get<WorkerHistoryView>(
    `/api/me/worker/history?${new URLSearchParams({ name, span: wanted })}`,
  );
  if (body !== undefined && span.peek() === wanted) history.value = body;
}

const columns = computed(() => {
  const points = history.value?.points;
  return points && [points.map(([at]) => at), points.map(([, rate]) => rate)];
});
const chartOf = (x: ChartOptions["x"]): ChartOptions => ({
  x,
  series: [{ label: "Hash rate", color: "accent", kind: "area", format: hashrate }],
  axis: hashrate,
  emptyTitle: "No line yet",
  emptyText: "It begins when a stretch of it is over: ten minutes, an hour, or four.",
});
const CHARTS: Readonly<Record<Span, ChartOptions>> = {
  day: chartOf("time"),
  week: chartOf("day"),
  month: chartOf("day"),
};

function WorkerPage() {
  const shown = detail.value;
  if (shown === undefined)
    return (
      <>
        <h1 class="loading">{nameOf(name)}</h1>
        <LoadingTiles count={8} label="The worker" />
      </>
    );
  if (shown === null)
    return (
      <>
        <PageHead title={nameOf(name)} />
        <Card title="Not found">
          <Empty title="You have no worker of this name">
            One that has sent no share for 30 days is forgotten. <a href="/me">Your workers</a>
          </Empty>
        </Card>
      </>
    );
  const { worker, uptime, changes } = shown;
  return (
    <>
      <PageHead title={nameOf(name)} about={<StateLine worker={worker} />}>
        <nav aria-label="Your workers">
          <a href="/me">All workers</a>
        </nav>
      </PageHead>
      <Figures worker={worker} uptime={uptime} />
      <nav class="pages" aria-label="The chart shows">
        {(Object.keys(SPANS) as Span[]).map((one) => (
          <button
            key={one}
            type="button"
            class="small"
            aria-pressed={span.value === one}
            onClick={() => {
              span.value = one;
              history.value = undefined;
              void attempt(loadHistory);
            }}
          >
            {SPANS[one]}
          </button>
        ))}
      </nav>
      <ChartCard
        key={span.value}
        title={`Hash rate, ${SPANS[span.value]}`}
        options={CHARTS[span.value]}
        columns={columns}
      />
      {refused.value !== undefined && <RefusedCard view={refused.value} />}
      <Card title="What changed">
        {changes.length === 0 ? (
          <Empty title="Nothing yet">When it falls silent, slows down or comes back, it is told here.</Empty>
        ) : (
          <Table label="changes" columns={CHANGES} rows={changes} keyOf={(change) => change.at} />
        )}
      </Card>
    </>
  );
}

const CHANGES: readonly Column<Change>[] = [
  { title: "When", cell: (change) => <When at={change.at} /> },
  {
    title: "State",
    cell: (change) => <WorkerStateTag worker={{ state: change.state, stateSince: change.since }} />,
  },
  {
    title: "Why",
    cell: (change) =>
      change.state === "offline" ? (
        <>
          last share <When at={change.since} />
        </>
      ) : (
        WHY[change.state]
      ),
  },
];
const WHY = {
  ok: "as usual for an hour",
  low: "clearly under its usual hash rate",
  recovered: "back at its usual",
} as const;

function StateLine({ worker }: { worker: WorkerView }) {
  const { stateSince, usualRate } = worker;
  return (
    <>
      <WorkerStateTag worker={worker} /> since <When at={stateSince} />
      {usualRate === null
        ? ". What is usual for it is known after three hours."
        : `. Usual: ${hashrate(usualRate)}, by its own last seven days.`}{" "}
      {!worker.online && <HideButton worker={worker} />}
    </>
  );
}

function Figures({ worker, uptime }: Pick<WorkerDetailView, "worker" | "uptime">) {
  const { upSince, best, hashesPerShare } = worker;
  const upNow =
    upSince === null ? "" : `; up for ${duration((now.value - Date.parse(upSince)) / 1000)} without a break`;
  return (
    <Tiles label="The worker">
      <Tile name="10 min" figure={hashrateParts(worker.hashrateShort)} kind="lead" />
      <Tile name="1 h" figure={hashrateParts(worker.hashrateLong)} />
      <Tile name="24 h" figure={hashrateParts(worker.hashrateDay)} />
      <Tile
        name="Last share"
        figure={{ value: duration(Math.max(0, now.value - Date.parse(worker.lastShare)) / 1000) }}
        note="ago"
      />
      <Tile
        name="Shares, 1 h"
        figure={{ value: count(worker.shares) }}
        note={hashesPerShare === null ? "" : `of ${count(hashesPerShare)} hashes on average`}
      />
      <Tile
        name="Refused, 1 h"
        figure={{ value: percent(worker.rejectRate, 2) }}
        note={`${count(worker.rejected)} shares`}
      />
      <Tile
        name="Best share"
        figure={
          best === null
            ? { value: "–" }
            : { value: hashrateParts(Number(best.hashes)).value, unit: hashUnit(best.hashes) }
        }
        note={best === null ? "none known" : `hashes, in block ${count(best.block)}`}
      />
      <Tile
        name="Uptime, 30 d"
        figure={{ value: percent(uptime.month) }}
        note={`24 h ${percent(uptime.day)}, 7 d ${percent(uptime.week)}${upNow}`}
      />
    </Tiles>
  );
}

const hashUnit = (hashes: string): string => (hashrateParts(Number(hashes)).unit ?? "").replace("/s", "");

mount(WorkerPage);
