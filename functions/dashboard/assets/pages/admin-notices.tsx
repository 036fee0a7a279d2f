/** For the operator: what miners and visitors are told, and maintenance. */

import { useSignal } from "@preact/signals";
import type { NoticesView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Name, Tag, When } from "../components/figures.tsx";
import { type Field, Form } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { ApiError, request } from "../live/api.ts";
import { attempt, refreshNow } from "../live/fresh.ts";
import { loadSession } from "../live/session.ts";
import { watch } from "../live/watch.ts";
import { OperatorHead } from "../parts/operator.tsx";
import { spanField, spanSeconds } from "../parts/span-field.ts";

type Notice = NoticesView["notices"][number];

const REFRESH_MS = 10_000;
const DAY_SECONDS = 86_400;
const notices = watch<NoticesView>("/api/admin/notices", REFRESH_MS);

const COLUMNS: readonly Column<Notice>[] = [
  { title: "Words", cell: (notice) => <Name>{notice.words}</Name> },
  {
    title: "Kind",
    cell: ({ kind }) =>
      kind === "maintenance" ? <Tag kind="warn">maintenance</Tag> : <Tag>announcement</Tag>,
  },
  { title: "From", cell: (notice) => <When at={notice.beginsAt} /> },
  { title: "Until", cell: (notice) => <When at={notice.until} /> },
  { title: "By", cell: (notice) => <Name>{notice.madeBy}</Name>, wideOnly: true },
  { title: "", cell: (notice) => <End notice={notice} /> },
];

function End({ notice }: { notice: Notice }) {
  const isEnding = useSignal(false);
  const end = async (): Promise<void> => {
    isEnding.value = true;
    await attempt(async () => {
      await request("POST", "/api/admin/notices/end", { id: notice.id });
      await Promise.all([refreshNow(), loadSession()]);
    });
    isEnding.value = false;
  };
  return (
    <button type="button" disabled={isEnding.value} onClick={() => void end()}>
      End
    </button>
  );
}

const WORDS: Field = {
  name: "words",
  label: "Words",
  hint: "one line, shown on every page and by miners",
  autocomplete: "off",
};

function done(text: string): string {
  void Promise.all([refreshNow(), loadSession()]);
  return text;
}

function NoticesPage() {
  return (
    <>
      <OperatorHead title="Notices" />
      <div class="grid-2">
        <Card title="Announce something">
          <Form
            method="POST"
            path="/api/admin/notices"
            fields={[WORDS, spanField("for", "For", "empty: a day")]}
            button="Announce"
            bodyOf={({ words = "", for: span = "" }) => ({
              ...{ kind: "announcement", words, inSeconds: 0 },
              forSeconds: spanSeconds(span, "for") ?? DAY_SECONDS,
            })}
            done={() =>
              done("Announced. Miners that are connected are told within seconds, others when they log in.")
            }
          />
        </Card>
        <Card title="Maintenance">
          <Form
            method="POST"
            path="/api/admin/notices"
            fields={[
              { ...WORDS, hint: "why" },
              spanField("in", "Begins in", "empty: now"),
              { ...spanField("for", "Lasts", "then miners go on by themselves"), optional: false },
            ]}
            button="Stop the miners"
            bodyOf={({ words = "", in: begins = "", for: span = "" }) => ({
              ...{ kind: "maintenance", words, inSeconds: spanSeconds(begins, "begins in") ?? 0 },
              forSeconds: spanSeconds(span, "lasts") ?? noSpan(),
            })}
            done={() => done("Miners are told now, and stopped from its beginning until its end.")}
          />
        </Card>
      </div>
      <Card title="Told now">
        <Told view={notices.value} />
      </Card>
    </>
  );
}

function noSpan(): never {
  throw new ApiError(0, "lasts: say how long");
}

function Told({ view }: { view: NoticesView | undefined }) {
  if (view === undefined) return <Loading />;
  if (view.notices.length === 0)
    return <Empty title="Nothing is told now">What you announce stands here until it ends.</Empty>;
  return <Table label="told now" columns={COLUMNS} rows={view.notices} keyOf={(notice) => notice.id} />;
}

mount(NoticesPage);
