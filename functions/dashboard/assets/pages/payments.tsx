/** What the pool has paid its miners, entry by entry. */

import type { PaymentFeedView } from "../../../api/views/views.ts";
import { Empty } from "../components/card.tsx";
import { Peg, When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count } from "../format.ts";
import { EntryLink } from "../parts/entry-link.tsx";
import { PagedList } from "../parts/paged.tsx";

type Payment = PaymentFeedView["payments"][number];

const COLUMNS: readonly Column<Payment>[] = [
  { title: "When", cell: (row) => <When at={row.at} /> },
  { title: "Amount", num: true, cell: (row) => <Peg units={row.amount} digits={4} /> },
  { title: "Miners", num: true, cell: (row) => count(row.users) },
  { title: "Entry", cell: (row) => <EntryLink hash={row.entryHash} /> },
];

function draw(rows: readonly Payment[]) {
  if (rows.length === 0)
    return <Empty title="Nothing was paid yet">Each entry that pays miners appears here.</Empty>;
  return <Table label="payments" columns={COLUMNS} rows={rows} keyOf={(row) => row.entryHash} />;
}

function PaymentsPage() {
  return (
    <PagedList<Payment, PaymentFeedView>
      title="Payments"
      about="Every entry on Factom's chain that paid this pool's miners, when the pool had confirmed it. The entry names each address and amount."
      list="Newest first"
      path="/api/pool/payments"
      rowsOf={(answer) => answer.payments}
      draw={draw}
    />
  );
}

mount(PaymentsPage);
