/** For the operator: paying the miners, step by step. The key that pays is elsewhere (docs/decisions/payday.md). */

import { useSignal } from "@preact/signals";
import type { PaydayView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Ago, Hash, Name, Peg, Tag, type TagKind, When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, plural, sentence } from "../format.ts";
import { request } from "../live/api.ts";
import { attempt, refreshNow } from "../live/fresh.ts";
import { user } from "../live/session.ts";
import { watch } from "../live/watch.ts";
import { Alone } from "../parts/alone.tsx";
import { OperatorHead } from "../parts/operator.tsx";
import { QrCode } from "../parts/qr-code.tsx";
import { PAYDAY_PATH, SendSigned } from "../parts/send-signed.tsx";

type Payout = NonNullable<PaydayView["payout"]>;
type Line = Payout["lines"][number];
type Left = PaydayView["left"][number];
type Sent = PaydayView["sent"][number];
type Entry = NonNullable<Sent["entries"]>[number];

const REFRESH_MS = 2_000;
const payday = watch<PaydayView>(PAYDAY_PATH, REFRESH_MS);

const LEFT_OUT: Readonly<Record<Left["why"], string>> = {
  minimum: "below the minimum: carried to a later payout",
  held: "address changed within the last day: carried",
  "no-address": "without a payout address: waits for one",
  "bad-address": "with an address that is none: waits for another",
  overpaid: "had more than was owed: later rewards go against it",
};

const DOING: Readonly<Record<PaydayView["work"]["doing"], string>> = {
  nothing: "",
  preparing: "Comparing the books with the chain, then preparing…",
  sending: "Comparing the books with the chain, then sending…",
  confirming: "Looking on the chain…",
};

const ENTRY_STATES: Readonly<Record<Entry["state"], { kind: TagKind; words: string }>> = {
  intended: { kind: "warn", words: "on record" },
  revealed: { kind: "warn", words: "sent" },
  booked: { kind: "good", words: "paid" },
  void: { kind: "bad", words: "given up" },
};

const LINE_COLUMNS: readonly Column<Line>[] = [
  { title: "User", cell: (line) => <Name>{line.user}</Name> },
  { title: "Gets", num: true, cell: (line) => <Peg units={line.amount} digits={4} unit={false} /> },
  { title: "Earned since", num: true, cell: (line) => <Peg units={line.earned} digits={4} unit={false} /> },
  { title: "Adjusted", num: true, cell: (line) => <Part units={line.adjusted} /> },
  { title: "From before", num: true, cell: (line) => <Part units={line.carried} /> },
  { title: "Last time", num: true, cell: (line) => <LastTime line={line} /> },
  { title: "To", cell: (line) => <Address line={line} /> },
];

const LEFT_COLUMNS: readonly Column<Left>[] = [
  { title: "Not paid", cell: (left) => LEFT_OUT[left.why] },
  { title: "Users", num: true, cell: (left) => count(left.users) },
  { title: "PEG", num: true, cell: (left) => <Peg units={left.total} digits={4} unit={false} /> },
  {
    title: "The largest",
    cell: (left) => (
      <span class="small name">
        {left.largest
          .slice(0, 5)
          .map((one) => one.user)
          .join(", ")}
      </span>
    ),
  },
];

const ENTRY_COLUMNS: readonly Column<Entry>[] = [
  { title: "Entry", cell: (entry) => <Hash>{entry.entryHash}</Hash> },
  { title: "Users", num: true, cell: (entry) => count(entry.users) },
  { title: "PEG", num: true, cell: (entry) => <Peg units={entry.amount} digits={4} unit={false} /> },
  {
    title: "State",
    cell: ({ state, why }) => (
      <Tag kind={ENTRY_STATES[state].kind} title={why}>
        {ENTRY_STATES[state].words}
      </Tag>
    ),
  },
];

const SENT_COLUMNS: readonly Column<Sent>[] = [
  { title: "Prepared", cell: (sent) => <When at={sent.at} /> },
  { title: "PEG", num: true, cell: (sent) => <Peg units={sent.total} digits={4} unit={false} /> },
  { title: "Users", num: true, cell: (sent) => count(sent.users) },
  { title: "Entries paid", num: true, cell: (sent) => `${sent.booked} of ${sent.count}` },
  {
    title: "State",
    cell: (sent) => (
      <Tag kind={sent.state === "done" ? "good" : "warn"}>
        {sent.state === "done" ? "done" : "on its way"}
      </Tag>
    ),
  },
];

/** 0 is nothing to look at. */
function Part({ units }: { units: string }) {
  return units === "0" ? <span class="muted">–</span> : <Peg units={units} digits={4} unit={false} />;
}

function LastTime({ line }: { line: Line }) {
  return line.lastAmount === null ? <Tag kind="warn">new</Tag> : <Part units={line.lastAmount} />;
}

function Address({ line }: { line: Line }) {
  const isChanged = line.lastAddress !== null && line.lastAddress !== line.address;
  return (
    <span class="looked">
      <Hash>{line.address}</Hash>
      {isChanged && (
        <Tag kind="bad" title={`last paid at ${line.lastAddress}`}>
          changed
        </Tag>
      )}
    </span>
  );
}

function PaydayPage() {
  const view = payday.value;
  if (view === undefined)
    return (
      <>
        <OperatorHead title="Payday" />
        <Card title="1 · What is due">
          <Loading />
        </Card>
      </>
    );
  const underway = view.sent.filter(({ state }) => state === "sending");
  return (
    <>
      <OperatorHead title="Payday" />
      <Alone what="a payout" view={view} />
      <Due view={view} />
      {view.payout !== null && <Prepared payout={view.payout} />}
      {view.payout !== null && <Sign payout={view.payout} />}
      {view.payout !== null && view.here && <SendSigned payout={view.payout} view={view} />}
      {underway.map((sent) => (
        <OnTheWay key={sent.id} sent={sent} view={view} />
      ))}
      <Card title="Payouts so far" aside={<a href="/pool/payments">What everybody sees</a>}>
        {view.sent.length === 0 ? (
          <Empty title="No payout yet">Each one stays here with how far it has come.</Empty>
        ) : (
          <Table label="payouts so far" columns={SENT_COLUMNS} rows={view.sent} keyOf={(sent) => sent.id} />
        )}
      </Card>
    </>
  );
}

/** What a button has begun on the server goes on there: the page only shows it. */
function Working({ view }: { view: PaydayView }) {
  const { doing, said, failed } = view.work;
  return (
    <div role="status" class="steps">
      {doing !== "nothing" && <p class="muted">{DOING[doing]}</p>}
      {said.length > 0 && <p class="small said pre">{said.join("\n")}</p>}
      {failed !== null && <p class="small bad said pre">{sentence(failed)}</p>}
    </div>
  );
}

interface DoProps {
  words: string;
  path: string;
  body?: unknown;
  isFirst?: boolean;
  isOff?: boolean;
}

function Do({ words, path, body, isFirst = false, isOff = false }: DoProps) {
  const isAsking = useSignal(false);
  const ask = async (): Promise<void> => {
    isAsking.value = true;
    await attempt(async () => {
      await request("POST", `${PAYDAY_PATH}/${path}`, body);
      await refreshNow();
    });
    isAsking.value = false;
  };
  return (
    <button
      type="button"
      class={isFirst ? "primary" : ""}
      disabled={isAsking.value || isOff}
      onClick={() => void ask()}
    >
      {words}
    </button>
  );
}

function Due({ view }: { view: PaydayView }) {
  const { due, left, minimum, payout, work } = view;
  const isIdle = work.doing === "nothing";
  return (
    <Card title="1 · What is due">
      <div class="steps">
        <p>
          <b>
            <Peg units={due.total} digits={4} />
          </b>{" "}
          to {plural(due.users, "user")}
          {minimum !== null && minimum !== "0" && (
            <>
              , who are owed <Peg units={minimum} digits={4} /> at least
            </>
          )}
          .
        </p>
        {left.length > 0 && (
          <Table label="not paid now" columns={LEFT_COLUMNS} rows={left} keyOf={(one) => one.why} />
        )}
        {view.here ? (
          <Do
            words={payout === null ? "Prepare a payout" : "Prepare again"}
            path="prepare"
            isFirst={payout === null}
            isOff={!isIdle || (due.users === 0 && payout === null)}
          />
        ) : (
          <>
            <p class="muted">
              The pool does not run in this process: prepare and send where its settings and nodes are. What
              is prepared there is shown here, and agreed to.
            </p>
            <code>npx prosper payout prepare payout.json</code>
          </>
        )}
        <Working view={view} />
      </div>
    </Card>
  );
}

function Prepared({ payout }: { payout: Payout }) {
  const { lines, users } = payout;
  return (
    <Card
      title="2 · Who gets what, and why"
      aside={
        <span class="reading">
          <Peg units={payout.total} digits={4} /> to {plural(users, "user")}
        </span>
      }
    >
      <div class="steps">
        <Table label="who gets what" columns={LINE_COLUMNS} rows={lines} keyOf={(line) => line.user} />
        {lines.length < users && (
          <p class="small muted">
            Those at a changed address and the largest; {plural(users - lines.length, "more line")} in the
            file.
          </p>
        )}
        <Agreement payout={payout} />
      </div>
    </Card>
  );
}

function Agreement({ payout }: { payout: Payout }) {
  const { agreed, needed, id } = payout;
  if (needed === 0) return null;
  const isMine = agreed.includes(user.value?.name ?? "");
  const isEnough = agreed.length >= needed;
  return (
    <p class="agreed">
      <Tag kind={isEnough ? "good" : "warn"}>{`${agreed.length} of ${needed} agree`}</Tag>
      {agreed.length > 0 && <Name>{agreed.join(", ")}</Name>}
      {!isEnough && !isMine && <Do words="I agree" path="approve" body={{ id }} isFirst />}
      {!isEnough && isMine && <span class="muted">Another administrator must agree on this page.</span>}
    </p>
  );
}

function Sign({ payout }: { payout: Payout }) {
  const { id, digest } = payout;
  const name = `payout-${id}.json`;
  return (
    <Card
      title="3 · Sign it where the key is"
      aside={
        <span class="reading">
          until <When at={payout.signBefore} />
        </span>
      }
    >
      <div class="sign">
        <div class="steps">
          <p>
            Take the file to the machine with the paying key, and compare the digest there before you sign.
          </p>
          {payout.isFile ? (
            <a class="button primary" href={`${PAYDAY_PATH}/file`} download={name}>
              Save the file
            </a>
          ) : (
            <p class="muted">
              The file cannot be had here: the list is too old to be signed in time, or the pool's key is
              elsewhere. Prepare it again.
            </p>
          )}
          <code class="run">npx prosper payout sign {name} --key-file KEY</code>
          <p class="small">
            Digest <code class="digest">{digest.match(/.{8}/g)?.join(" ")}</code>
          </p>
        </div>
        <QrCode text={digest.toUpperCase()} label={`QR code of the digest ${digest}`} />
      </div>
    </Card>
  );
}

function OnTheWay({ sent, view }: { sent: Sent; view: PaydayView }) {
  return (
    <Card
      title={`On its way: ${sent.booked} of ${sent.count} entries paid`}
      aside={
        <span class="looked">
          <span class="small muted">
            prepared <Ago at={sent.at} />
          </span>
          {view.here && <Do words="Look now" path="confirm" isOff={view.work.doing !== "nothing"} />}
        </span>
      }
    >
      <Table
        label="entries on their way"
        columns={ENTRY_COLUMNS}
        rows={sent.entries ?? []}
        keyOf={(entry) => entry.entryHash}
      />
      {!view.here && <code>npx prosper payout confirm</code>}
    </Card>
  );
}

mount(PaydayPage);
