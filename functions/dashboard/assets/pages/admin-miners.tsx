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
import { Pages } from "../parts/pages.tsx";
import { SearchForm } from "../parts/search-form.tsx";

type Worker = MinersView["workers"][number];
type Session = NonNullable<MinersView["sessions"]>[number];

const REFRESH_MS = 5000;
/** Rows that the API gives at a time. */
const PAGE = 200;

interface Asked {
  readonly search: string;
  readonly workersFrom: number;
  readonly sessionsFrom: number;
}

const wanted = signal<Asked>({
  search: new URLSearchParams(location.search).get("search") ?? "",
  workersFrom: 0,
  sessionsFrom: 0,
});
const miners = signal<MinersView | undefined>(undefined);

/** Throws ApiError. */
async function load(): Promise<void> {
  const asked = wanted.value;
  const { search, workersFrom, sessionsFrom } = asked;
  const query = { search, workersFrom: String(workersFrom), sessionsFrom: String(sessionsFrom) };
  const { body } = await get<MinersView>(`/api/admin/miners?${new URLSearchParams(query)}`);
  // An older question's answer is not shown.
  if (asked === wanted.value) miners.value = body;
}

function ask(change: Partial<Asked>): void {
  wanted.value = { ...wanted.value, ...change };
  void attempt(load);
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
          label="user, worker, agent, address"
          value={wanted.value.search}
          search={(search) => ask({ search, workersFrom: 0, sessionsFrom: 0 })}
        />
      </Card>
      <Card
        title="Workers"
        aside={shown && <span class="reading">{count(shown.workersTotal)} in ten minutes</span>}
      >
        {shown === undefined ? <Loading /> : <Workers workers={shown.workers} />}
        {shown && (
          <Pages
            of="workers"
            {...{
              from: wanted.value.workersFrom,
              rows: shown.workers.length,
              total: shown.workersTotal,
              size: PAGE,
            }}
            to={(workersFrom) => ask({ workersFrom })}
          />
        )}
      </Card>
      {shown !== undefined && shown.sessions !== null && (
        <Card title="Connections" aside={<span class="reading">{count(shown.sessionsTotal)} open</span>}>
          <Sessions sessions={shown.sessions} />
          <Pages
            of="connections"
            {...{
              from: wanted.value.sessionsFrom,
              rows: shown.sessions.length,
              total: shown.sessionsTotal,
              size: PAGE,
            }}
            to={(sessionsFrom) => ask({ sessionsFrom })}
          />
        </Card>
      )}
    </>
  );
}

function Workers({ workers }: { workers: readonly Worker[] }) {
  if (workers.length === 0)
    return wanted.value.search !== "" ? (
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
