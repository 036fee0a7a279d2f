/** For the operator: who is barred from the pool, for how long and why. */

import { useSignal } from "@preact/signals";
import type { BarsView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Name, Tag, When } from "../components/figures.tsx";
import { Form } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { request } from "../live/api.ts";
import { attempt, refreshNow } from "../live/fresh.ts";
import { watch } from "../live/watch.ts";
import { OperatorHead } from "../parts/operator.tsx";
import { spanField, spanSeconds } from "../parts/span-field.ts";

type Bar = BarsView["bars"][number];

const REFRESH_MS = 10_000;
const bars = watch<BarsView>("/api/admin/bars?limit=200", REFRESH_MS);

const COLUMNS: readonly Column<Bar>[] = [
  { title: "Who", cell: (bar) => <Name>{bar.subject}</Name> },
  {
    title: "May not",
    cell: (bar) => (bar.scope === "all" ? <Tag kind="bad">mine or log in</Tag> : <Tag kind="warn">mine</Tag>),
  },
  { title: "Reason", cell: (bar) => <Name>{bar.reason}</Name> },
  { title: "Until", cell: (bar) => (bar.until === null ? "it is lifted" : <When at={bar.until} />) },
  { title: "By", cell: (bar) => <Name>{bar.madeBy}</Name>, wideOnly: true },
  { title: "Since", cell: (bar) => <When at={bar.at} />, wideOnly: true },
];
const STANDING: readonly Column<Bar>[] = [...COLUMNS, { title: "", cell: (bar) => <Lift bar={bar} /> }];
const OVER: readonly Column<Bar>[] = [
  ...COLUMNS,
  { title: "Over", cell: (bar) => (bar.liftedBy === null ? "by its end" : <Name>{bar.liftedBy}</Name>) },
];

function Lift({ bar }: { bar: Bar }) {
  const isLifting = useSignal(false);
  const lift = async (): Promise<void> => {
    isLifting.value = true;
    await attempt(async () => {
      await request("POST", "/api/admin/bars/lift", { kind: bar.kind, subject: bar.subject });
      await refreshNow();
    });
    isLifting.value = false;
  };
  return (
    <button type="button" disabled={isLifting.value} onClick={() => void lift()}>
      Lift
    </button>
  );
}

function BarsPage() {
  return (
    <>
      <OperatorHead title="Bars" />
      <Card title="Bar a user or an address">
        <Form
          method="POST"
          path="/api/admin/bars"
          fields={[
            {
              name: "kind",
              label: "What",
              autocomplete: "off",
              options: { user: "A user", address: "An address" },
            },
            {
              name: "subject",
              label: "User or address",
              hint: "a name; an IP address or a range such as 203.0.113.0/24",
              autocomplete: "off",
            },
            {
              ...{ name: "scope", label: "May not", autocomplete: "off" },
              options: { mining: "mine; logging in stays", all: "mine, log in or register" },
            },
            { name: "reason", label: "Reason", hint: "the user sees it", autocomplete: "off" },
            spanField("for", "For", "empty: until it is lifted"),
          ]}
          button="Bar"
          bodyOf={({ for: span = "", ...values }) => ({
            ...values,
            seconds: spanSeconds(span, "for") ?? null,
          })}
          done={() => {
            void refreshNow();
            return "Barred. Edges send its miners away within seconds; what is owed to a user stays owed.";
          }}
        />
      </Card>
      <Bars view={bars.value} />
    </>
  );
}

function Bars({ view }: { view: BarsView | undefined }) {
  if (view === undefined)
    return (
      <Card title="In force">
        <Loading />
      </Card>
    );
  const [standing, over] = [
    view.bars.filter(({ stands }) => stands),
    view.bars.filter(({ stands }) => !stands),
  ];
  return (
    <>
      <Card title="In force">
        {standing.length === 0 ? (
          <Empty title="Nobody is barred">Who is, appears here with the reason.</Empty>
        ) : (
          <Table label="in force" columns={STANDING} rows={standing} keyOf={(bar) => bar.id} />
        )}
      </Card>
      {over.length > 0 && (
        <Card title="Over">
          <Table label="over" columns={OVER} rows={over} keyOf={(bar) => bar.id} />
        </Card>
      )}
    </>
  );
}

mount(BarsPage);
