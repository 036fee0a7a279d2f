/** For the operator: corrections beside the sealed books, and the log of what administrators did. */

import type { AdjustmentsView, AdminLogView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Name, Peg, When } from "../components/figures.tsx";
import { Form } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { ApiError } from "../live/api.ts";
import { refreshNow } from "../live/fresh.ts";
import { watch } from "../live/watch.ts";
import { OperatorHead } from "../parts/operator.tsx";

type Adjustment = AdjustmentsView["adjustments"][number];
type Entry = AdminLogView["entries"][number];

const REFRESH_MS = 10_000;
const adjustments = watch<AdjustmentsView>("/api/admin/adjustments?limit=100", REFRESH_MS);
const log = watch<AdminLogView>("/api/admin/log?limit=100", REFRESH_MS);
let requestId = newRequestId();

/** With it, a click that is sent twice, or whose answer was lost, is booked once. */
function newRequestId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** `text` is PEG with at most 8 decimals; the answer is 1e-8 PEG. Throws ApiError. */
function unitsOf(text: string): string {
  const [, sign = "", whole = "", fraction = ""] =
    /^([+-]?)(\d{1,12})(?:\.(\d{1,8}))?$/.exec(text.trim()) ?? [];
  if (whole === "") throw new ApiError(0, "amount: expected PEG with at most 8 decimals, such as 12.5 or -3");
  return (BigInt(whole + fraction.padEnd(8, "0")) * (sign === "-" ? -1n : 1n)).toString();
}

const ADJUSTMENT_COLUMNS: readonly Column<Adjustment>[] = [
  { title: "When", cell: (row) => <When at={row.at} /> },
  { title: "User", cell: (row) => <Name>{row.user}</Name> },
  { title: "Amount", num: true, cell: (row) => <Peg units={row.amount} digits={8} /> },
  { title: "Reason", cell: (row) => <Name>{row.reason}</Name> },
  { title: "By", cell: (row) => <Name>{row.madeBy}</Name> },
];

const LOG_COLUMNS: readonly Column<Entry>[] = [
  { title: "When", cell: (row) => <When at={row.at} /> },
  { title: "Who", cell: (row) => <Name>{row.actor}</Name> },
  { title: "What", cell: (row) => row.action },
  { title: "To", cell: (row) => <Name>{row.subject}</Name> },
  {
    title: "Details",
    cell: (row) => (
      <span class="name small">
        {Object.entries(row.details)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}
      </span>
    ),
  },
];

function AdjustmentsPage() {
  return (
    <>
      <OperatorHead title="Adjustments" />
      <Card title="Correct what a user is owed">
        <Form
          method="POST"
          path="/api/admin/adjustments"
          fields={[
            { name: "user", label: "User", autocomplete: "off" },
            { name: "amount", label: "Amount", hint: "PEG; with a minus it takes away", autocomplete: "off" },
            { name: "reason", label: "Reason", hint: "the user sees it", autocomplete: "off" },
          ]}
          button="Book"
          bodyOf={(values) => ({ ...values, amount: unitsOf(values["amount"] ?? ""), requestId })}
          done={() => {
            requestId = newRequestId();
            void refreshNow();
            return "Booked. It never changes; another one can take it back.";
          }}
        />
      </Card>
      <Card title="Adjustments so far">
        <Adjustments view={adjustments.value} />
      </Card>
      <Card title="What administrators did">
        <Log view={log.value} />
      </Card>
    </>
  );
}

function Adjustments({ view }: { view: AdjustmentsView | undefined }) {
  if (view === undefined) return <Loading />;
  if (view.adjustments.length === 0)
    return <Empty title="No adjustment yet">Sealed books never change: corrections stand beside them.</Empty>;
  return (
    <Table label="adjustments" columns={ADJUSTMENT_COLUMNS} rows={view.adjustments} keyOf={(row) => row.id} />
  );
}

function Log({ view }: { view: AdminLogView | undefined }) {
  if (view === undefined) return <Loading />;
  if (view.entries.length === 0)
    return <Empty title="Nothing yet">Every change an administrator makes appears here.</Empty>;
  return (
    <Table
      label="what administrators did"
      columns={LOG_COLUMNS}
      rows={view.entries}
      keyOf={(row) => row.id}
    />
  );
}

mount(AdjustmentsPage);
