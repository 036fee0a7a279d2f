/** For the operator: corrections beside the sealed books, and the log of what administrators did. */

import { signal, useSignal } from "@preact/signals";
import type {
  AdjustedView,
  AdjustmentPreviewView,
  AdjustmentsView,
  AdminLogView,
} from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Ago, Name, Peg, When } from "../components/figures.tsx";
import { Form } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { pegExactly } from "../format.ts";
import { ApiError, request } from "../live/api.ts";
import { attempt, refreshNow } from "../live/fresh.ts";
import { user } from "../live/session.ts";
import { watch } from "../live/watch.ts";
import { Alone } from "../parts/alone.tsx";
import { OperatorHead } from "../parts/operator.tsx";

type Adjustment = AdjustmentsView["adjustments"][number];
type WaitingRow = AdjustmentsView["waiting"][number];
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
    cell: ({ details: { before, after, ...others } }) => (
      <span class="name small">
        {before !== undefined && `${before} → ${after}`}
        {Object.entries(others)
          .filter(([, value]) => value !== "")
          .map(([name, value]) => `${name} ${name === "amount" ? pegExactly(String(value)) : value}`)
          .join(", ")}
      </span>
    ),
  },
];

function AdjustmentsPage() {
  const preview = useSignal<AdjustmentPreviewView | undefined>(undefined);
  return (
    <>
      <OperatorHead title="Adjustments" />
      <Alone what="an adjustment" view={adjustments.value} />
      {(adjustments.value?.waiting.length ?? 0) > 0 && (
        <Card title="Waiting for a second administrator">
          <Waiting rows={adjustments.value?.waiting ?? []} />
        </Card>
      )}
      <Card title="Correct what a user is owed">
        <div hidden={preview.value !== undefined}>
          <Form<AdjustmentPreviewView>
            method="POST"
            path="/api/admin/adjustments/preview"
            fields={[
              { name: "user", label: "User", autocomplete: "off" },
              {
                name: "amount",
                label: "Amount",
                hint: "PEG; with a minus it takes away",
                autocomplete: "off",
              },
              { name: "reason", label: "Reason", hint: "the user sees it", autocomplete: "off" },
            ]}
            button="Preview"
            bodyOf={(values) => ({ ...values, amount: unitsOf(values["amount"] ?? "") })}
            done={(reply) => {
              preview.value = reply;
              booked.value = undefined;
              return undefined;
            }}
          />
        </div>
        {preview.value !== undefined && (
          <Preview preview={preview.value} back={() => (preview.value = undefined)} />
        )}
        <p role="status" class="small good">
          {preview.value === undefined && booked}
        </p>
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

/** What was booked last. */
const booked = signal<string | undefined>(undefined);

/** Nothing is booked before the new balance was seen. */
function Preview({ preview, back }: { preview: AdjustmentPreviewView; back: () => void }) {
  const { user, amount, reason, owed, owedAfter } = preview;
  const isBooking = useSignal(false);
  const book = async (): Promise<void> => {
    isBooking.value = true;
    const isDone = await attempt(async () => {
      const { waiting } = await request<AdjustedView>("POST", "/api/admin/adjustments", {
        ...{ user, amount, reason, requestId },
      });
      booked.value = waiting
        ? `Asked for. Another administrator must confirm it before ${user} has it.`
        : `Booked for ${user}. It never changes; another one can take it back.`;
    });
    isBooking.value = false;
    if (!isDone) return;
    requestId = newRequestId();
    back();
    void refreshNow();
  };
  return (
    <>
      <Table
        label="preview"
        columns={PREVIEW_COLUMNS}
        rows={[
          { what: "Owed now", units: owed },
          { what: "This adjustment", units: amount },
          { what: "Owed after it", units: owedAfter },
        ]}
        keyOf={(row) => row.what}
      />
      <p class="steps">
        <span>
          For <b class="name">{user}</b>: <span class="said">{reason}</span>
        </span>
        {owedAfter.startsWith("-") && (
          <span class="warn">Less than nothing: what {user} earns from now on goes against it first.</span>
        )}
        <span class="looked">
          <button type="button" class="primary" disabled={isBooking.value} onClick={() => void book()}>
            {adjustments.value?.twoAdministrators === true ? "Ask for it" : "Book it"}
          </button>
          <button type="button" onClick={back}>
            Back
          </button>
        </span>
      </p>
    </>
  );
}

const WAITING_COLUMNS: readonly Column<WaitingRow>[] = [
  { title: "Asked for", cell: (row) => <Ago at={row.at} /> },
  { title: "By", cell: (row) => <Name>{row.madeBy}</Name> },
  { title: "User", cell: (row) => <Name>{row.user}</Name> },
  { title: "Amount", num: true, cell: (row) => <Peg units={row.amount} digits={4} unit={false} /> },
  { title: "Reason", cell: (row) => <Name>{row.reason}</Name> },
  { title: "Owed now", num: true, cell: (row) => <Peg units={row.owed} digits={4} unit={false} /> },
  { title: "After it", num: true, cell: (row) => <Peg units={row.owedAfter} digits={4} unit={false} /> },
  { title: "", cell: (row) => <Decide row={row} /> },
];

function Waiting({ rows }: { rows: readonly WaitingRow[] }) {
  return <Table label="waiting" columns={WAITING_COLUMNS} rows={rows} keyOf={(row) => row.id} />;
}

/** Nobody confirms what they asked for; anybody may take it back. */
function Decide({ row: { id, madeBy } }: { row: WaitingRow }) {
  const isDeciding = useSignal(false);
  const decide = async (how: "confirm" | "withdraw"): Promise<void> => {
    isDeciding.value = true;
    await attempt(async () => {
      await request("POST", `/api/admin/adjustments/${how}`, { id });
      await refreshNow();
    });
    isDeciding.value = false;
  };
  return (
    <span class="looked">
      {madeBy !== user.value?.name && (
        <button
          type="button"
          class="primary"
          disabled={isDeciding.value}
          onClick={() => void decide("confirm")}
        >
          Confirm
        </button>
      )}
      <button type="button" disabled={isDeciding.value} onClick={() => void decide("withdraw")}>
        Withdraw
      </button>
    </span>
  );
}

const PREVIEW_COLUMNS: readonly Column<{ what: string; units: string }>[] = [
  { title: "", cell: (row) => row.what },
  { title: "PEG", num: true, cell: (row) => <Peg units={row.units} digits={8} /> },
];

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
