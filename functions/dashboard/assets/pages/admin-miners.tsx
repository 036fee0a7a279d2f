/** For the operator: who mines now. */

import { signal } from "@preact/signals";
import type { MinersView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Ago, Hash, Name, Tag } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, hashrate, percent } from "../format.ts";
import { get } from "../live/api.ts";
import { attempt, keepFresh } from "../live/fresh.ts";
import { OperatorHead } from "../parts/operator.tsx";
import { SearchForm } from "../parts/search-form.tsx";

type Worker = MinersView["workers"][number];
type Session = NonNullable<MinersView["sessions"]>[number];

const REFRESH_MS = 5000;
const search = signal(new URLSearchParams(location.search).get("search") ?? "");
const miners = signal<MinersView | undefined>(undefined);

/** Throws ApiError. */
async function load(): Promise<void> {
  const asked = search.value;
  const { body } = await get<MinersView>(`/api/admin/miners?${new URLSearchParams({ search: asked })}`);
  // An older search's answer is not shown.
  if (asked === search.value) miners.value = body;
}

const WORKER_COLUMNS: readonly Column<Worker>[] = [
  { title: "User", cell: (row) => <Name>{row.user}</Name> },
  { title: "Worker", cell: (row) => <Name>{row.worker === "" ? "(no name)" : row.worker}</Name> },
  { title: "10 min", num: true, cell: (row) => hashrate(row.hashrate) },
  { title: "Shares", num: true, cell: (row) => count(row.shares) },
  {
    title: "Refused",
    num: true,
    cell: (row) => percent(Number(row.rejected) / Math.max(1, Number(row.rejected) + Number(row.shares)), 2),
  },
  { title: "Last share", num: true, cell: (row) => <Ago at={row.lastShare} /> },
];

const SESSION_COLUMNS: readonly Column<Session>[] = [
  { title: "Session", cell: (row) => <Hash>{row.id}</Hash> },
  { title: "User", cell: (row) => <Name>{row.user ?? "–"}</Name> },
  { title: "Worker", cell: (row) => <Name>{row.worker ?? "–"}</Name> },
  { title: "Agent", cell: (row) => <Name>{row.agent}</Name> },
  { title: "Address", cell: (row) => <code>{row.address}</code> },
  {
    title: "State",
    cell: (row) => (
      <Tag kind={row.authorized ? "good" : ""}>
        {row.authorized ? "mining" : row.subscribed ? "subscribed" : "connected"}
      </Tag>
    ),
  },
  { title: "Target", cell: (row) => <code>{row.target ?? "–"}</code> },
  { title: "Nonce", num: true, cell: (row) => (row.nonce === null ? "–" : String(row.nonce)) },
];

function MinersPage() {
  const shown = miners.value;
  return (
    <>
      <OperatorHead title="Miners" />
      <Card title="Find">
        <SearchForm
          label="part of a user, rig, agent or address"
          value={search.value}
          search={(text) => {
            search.value = text;
            void attempt(load);
          }}
        />
      </Card>
      <Card
        title="Workers"
        aside={shown && <span class="reading">{shown.workers.length} in ten minutes</span>}
      >
        {shown === undefined ? <Loading /> : <Workers workers={shown.workers} />}
      </Card>
      {shown !== undefined && shown.sessions !== null && (
        <Card title="Connections" aside={<span class="reading">{shown.sessions.length} open</span>}>
          <Sessions sessions={shown.sessions} />
        </Card>
      )}
    </>
  );
}

function Workers({ workers }: { workers: readonly Worker[] }) {
  if (workers.length === 0)
    return search.value !== "" ? (
      <Empty title="Nobody">No rig with a share in the last ten minutes has that in its names.</Empty>
    ) : (
      <Empty title="Nobody mines">Workers with a share in the last ten minutes appear here.</Empty>
    );
  return (
    <Table
      label="workers"
      columns={WORKER_COLUMNS}
      rows={workers}
      keyOf={(row) => JSON.stringify([row.user, row.worker])}
    />
  );
}

function Sessions({ sessions }: { sessions: readonly Session[] }) {
  if (sessions.length === 0)
    return <Empty title="No connection is open">Each miner that connects appears here.</Empty>;
  return <Table label="connections" columns={SESSION_COLUMNS} rows={sessions} keyOf={(row) => row.id} />;
}

mount(MinersPage);
keepFresh(REFRESH_MS, load);
