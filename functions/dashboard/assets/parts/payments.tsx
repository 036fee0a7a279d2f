/** What was paid to a user and adjusted, newest first. */

import type { ComponentChildren } from "preact";
import type { MyPaymentsView } from "../../../api/views/views.ts";
import { Card, Empty } from "../components/card.tsx";
import { Name, Peg, When } from "../components/figures.tsx";
import { type Column, Table } from "../components/table.tsx";
import { EntryLink } from "./entry-link.tsx";

interface Row {
  readonly key: string;
  readonly at: string;
  readonly amount: string;
  readonly kind: string;
  readonly what: ComponentChildren;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "When", cell: (row) => <When at={row.at} /> },
  { title: "What", cell: (row) => row.kind },
  { title: "Amount", num: true, cell: (row) => <Peg units={row.amount} digits={4} /> },
  { title: "Entry or reason", cell: (row) => row.what },
];

export function PaymentsCard({ view }: { view: MyPaymentsView }) {
  const rows: Row[] = [
    ...view.onTheWay.map((row) => ({
      key: `${row.entryHash} ${row.at}`,
      at: row.at,
      amount: row.amount,
      kind: "on its way",
      what: <EntryLink hash={row.entryHash} />,
    })),
    ...view.payments.map((row) => ({
      key: `${row.entryHash} ${row.at}`,
      at: row.at,
      amount: row.amount,
      kind: "paid out",
      what: <EntryLink hash={row.entryHash} />,
    })),
    ...view.adjustments.map((row, i) => ({
      key: `${row.at} ${view.adjustments.length - i}`,
      at: row.at,
      amount: row.amount,
      kind: "adjusted",
      what: <Name>{row.reason}</Name>,
    })),
  ].toSorted((a, b) => (a.at < b.at ? 1 : -1));
  if (rows.length === 0)
    return (
      <Card title="Payments">
        <Empty title="Nothing was paid out yet">
          Each payment appears here with the entry that carries it.
        </Empty>
      </Card>
    );
  return (
    <Card title="Payments and adjustments">
      <Table label="payments and adjustments" columns={COLUMNS} rows={rows} keyOf={(row) => row.key} />
    </Card>
  );
}
