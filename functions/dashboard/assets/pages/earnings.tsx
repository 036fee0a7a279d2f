/** What one's work should have earned beside what was booked, what a hash rate earns, and when it is paid. */

import { computed, signal } from "@preact/signals";
import { dayAt } from "../../../../shared/earnings/earnings.ts";
import type { EarningsTruthView } from "../../../api/views/earnings.ts";
import { Card, Empty, LoadingTiles, PageHead, Tile, Tiles } from "../components/card.tsx";
import { ChartCard, type ChartOptions } from "../components/chart.tsx";
import { Peg, Tag, When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, decimal, hashrate, hashrateParts, peg, plural } from "../format.ts";
import { watch } from "../live/watch.ts";

type Earned = NonNullable<EarningsTruthView["whole"]>;
type Period = EarningsTruthView["periods"][number];

const earnings = watch<EarningsTruthView>("/api/me/earnings/expected", 60_000);
/** kh/s that are asked about; undefined: one's own rate. */
const asked = signal<number | undefined>(undefined);

const inPeg = (value: number): string => `${count(value)} PEG`;
const CHART: ChartOptions = {
  x: "day",
  series: [
    { label: "Booked", color: "accent", kind: "area", format: inPeg },
    { label: "Expected", color: "second", kind: "line", format: inPeg },
    { label: "Fair, low", color: "second", kind: "dashes", format: inPeg },
    { label: "Fair, high", color: "second", kind: "dashes", format: inPeg },
  ],
  axis: count,
  emptyTitle: "Nothing to compare yet",
  emptyText: "It begins when twelve blocks are sealed.",
};
const columns = computed(() => {
  const periods = earnings.value?.periods;
  const of = (read: (sum: Earned) => string) => periods?.map(({ sum }) => Number(read(sum)) / 1e8) ?? [];
  return (
    periods && [
      periods.map(({ from }) => Date.parse(from) / 1000),
      of((sum) => sum.booked),
      of((sum) => sum.expected),
      of((sum) => sum.low),
      of((sum) => sum.high),
    ]
  );
});

const isFair = ({ booked, low, high }: Earned): boolean =>
  BigInt(low) <= BigInt(booked) && BigInt(booked) <= BigInt(high);

/** "0.8 σ under" */
function deviationText({ deviations }: Earned): string {
  if (deviations === null) return "as expected";
  return `${decimal(Math.abs(deviations), 1)} σ ${deviations < 0 ? "under" : "over"}`;
}

const COLUMNS: readonly Column<Period>[] = [
  { title: "From", cell: (one) => <When at={one.from} /> },
  { title: "Blocks", num: true, cell: (one) => count(one.blocks) },
  { title: "Booked", num: true, cell: (one) => <Peg units={one.booked} /> },
  { title: "Expected", num: true, cell: (one) => <Peg units={one.expected} /> },
  { title: "95 of 100 fair", num: true, cell: (one) => `${peg(one.low)} to ${peg(one.high)}` },
  {
    title: "Is it chance?",
    cell: (one) => <Tag kind={isFair(one) ? "good" : "warn"}>{deviationText(one)}</Tag>,
  },
];

function EarningsPage() {
  const shown = earnings.value;
  return (
    <>
      <PageHead
        title="Earnings"
        about="What your work should bring on average, beside what was booked: is it chance?"
      >
        <a href="/me">My page</a>
      </PageHead>
      {shown === undefined ? <LoadingTiles count={4} label="Your earnings" /> : <Totals view={shown} />}
      <ChartCard title="Together since the first of these days" options={CHART} columns={columns} />
      {shown !== undefined && <Periods view={shown} />}
      {shown?.rate && <RateCard rate={shown.rate} />}
    </>
  );
}

function Totals({ view: { whole, payout } }: { view: EarningsTruthView }) {
  return (
    <Tiles label="Your earnings">
      <Tile
        name="Is it chance?"
        figure={{ value: whole === null ? "–" : deviationText(whole) }}
        note={whole === null ? "known when twelve blocks are sealed" : verdict(whole)}
        kind="lead"
      />
      <Tile
        name="Booked"
        figure={{ value: peg(whole?.booked ?? null), unit: "PEG" }}
        note={whole === null ? "" : `in ${plural(whole.blocks, "block")}`}
      />
      <Tile
        name="Expected"
        figure={{ value: `≈\u00a0${peg(whole?.expected ?? null)}`, unit: "PEG" }}
        note={whole === null ? "" : `${peg(whole.low)} to ${peg(whole.high)} on 95 of 100 fair days`}
      />
      <Tile
        name="Next payout"
        figure={{ value: peg(payout.owed), unit: "PEG owed" }}
        note={<PayoutNote payout={payout} />}
      />
    </Tiles>
  );
}

function verdict(whole: Earned): string {
  if (isFair(whole)) return "chance: fair pools are as far off on 95 of 100 days";
  const far = Math.abs(whole.deviations ?? 0) >= 3;
  return far
    ? "more than chance: the pool's prices were graded better or worse than others', or something is wrong"
    : "rare: one fair day in twenty is as far off";
}

function PayoutNote({ payout }: { payout: EarningsTruthView["payout"] }) {
  const { minimum, owed, hasAddress, nextAt, waitsSince, lastAt } = payout;
  if (!hasAddress) return <a href="/whoami">Set a payout address first</a>;
  return (
    <>
      {minimum === null
        ? ""
        : BigInt(minimum) === 0n
          ? "no minimum; "
          : BigInt(owed) < BigInt(minimum)
            ? `below the minimum of ${peg(minimum)} PEG: carried on; `
            : `above the minimum of ${peg(minimum)} PEG; `}
      {waitsSince !== null ? (
        <>
          one waits to be sent since <When at={waitsSince} />
        </>
      ) : nextAt !== null ? (
        <>
          the next is prepared <When at={nextAt} />
        </>
      ) : (
        "the operator decides when"
      )}
      {lastAt !== null && waitsSince === null && (
        <>
          , the last was prepared <When at={lastAt} />
        </>
      )}
    </>
  );
}

function Periods({ view: { period, periods } }: { view: EarningsTruthView }) {
  const title = period === "day" ? "By day" : "By hour";
  if (periods.length === 0)
    return (
      <Card title={title}>
        <Empty title="Nothing to compare yet">It begins when twelve blocks are sealed.</Empty>
      </Card>
    );
  return (
    <Card title={title}>
      <p class="small muted">
        Expected is your part of the network's work, of what its blocks pay, less the fee. The work of others
        is an estimate, and places come by chance: both are in the range. One {period} in twenty is outside of
        it on a fair pool.
      </p>
      <Table
        label="earnings"
        columns={COLUMNS}
        rows={periods.toReversed().slice(0, 31)}
        keyOf={(one) => one.from}
      />
    </Card>
  );
}

function RateCard({ rate }: { rate: NonNullable<EarningsTruthView["rate"]> }) {
  const hashes = asked.value === undefined ? rate.mine : asked.value * 1000;
  const day = dayAt(hashes, { otherRate: rate.others, payouts: BigInt(rate.payouts) }).toString();
  return (
    <Card title="What a hash rate earns">
      <div class="field">
        <label htmlFor="rate">Hash rate in kh/s</label>
        <input
          id="rate"
          type="number"
          min="0"
          step="any"
          inputMode="decimal"
          placeholder={decimal(rate.mine / 1000, 1)}
          onInput={(event) => {
            const { value } = event.currentTarget;
            const number = Number(value);
            asked.value = value === "" || !(number >= 0 && number < 1e12) ? undefined : number;
          }}
        />
      </div>
      <p role="status">
        <b>{hashrate(hashes)}</b> beside {hashrateParts(rate.others).value} {hashrateParts(rate.others).unit}{" "}
        of others earn about <Peg units={day} /> a day and <Peg units={(BigInt(day) * 30n).toString()} /> in
        30 days on average, if nobody else comes or goes.
      </p>
    </Card>
  );
}

mount(EarningsPage);
