/** A user's workers, and those that wait to be confirmed. */

import { useSignal } from "@preact/signals";
import type { MeView } from "../../../api/views/views.ts";
import type { WorkerView } from "../../../api/views/worker.ts";
import { Card, Empty } from "../components/card.tsx";
import { Ago } from "../components/figures.tsx";
import { Sparkline } from "../components/sparkline.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, hashrate, percent } from "../format.ts";
import { request } from "../live/api.ts";
import { attempt, refreshNow } from "../live/fresh.ts";
import { ask, listOf, PAGE_WORKERS, wanted } from "../live/worker-list.ts";
import { Pages } from "./pages.tsx";
import { nameOf, STATE_NAMES, WorkerStateTag } from "./worker-state.tsx";

/** With a larger part refused, something is wrong with the miner or its line. */
const MANY_REFUSED = 0.03;
/** Those that one looks for. */
const STATES = ["low", "offline", "recovered"] as const;
/** So many are seen at a glance. */
const FEW = 10;

const COLUMNS: readonly Column<WorkerView>[] = [
  {
    title: "Name",
    cell: (worker) => (
      <span class="name">
        {worker.kind === "rest" ? (
          nameOf(worker.name)
        ) : (
          <a href={`/me/worker?${new URLSearchParams({ name: worker.name })}`}>{nameOf(worker.name)}</a>
        )}
        {worker.kind === "new" && (
          <SayButton body={{ own: [worker.name] }} title="it logged in without your password">
            it is mine
          </SayButton>
        )}
        {!worker.online && <HideButton worker={worker} />}
      </span>
    ),
  },
  { title: "State", cell: (worker) => worker.kind !== "rest" && <WorkerStateTag worker={worker} /> },
  { title: "Last hour", wideOnly: true, cell: (worker) => <Sparkline values={worker.minutes} /> },
  { title: "10 min", num: true, cell: (worker) => hashrate(worker.hashrateShort) },
  { title: "1 h", num: true, cell: (worker) => hashrate(worker.hashrateLong) },
  { title: "24 h", num: true, cell: (worker) => hashrate(worker.hashrateDay) },
  { title: "Shares", num: true, wideOnly: true, cell: (worker) => count(worker.shares) },
  {
    title: "Refused",
    num: true,
    cell: (worker) => (
      <span class={(worker.rejectRate ?? 0) > MANY_REFUSED ? "warn" : ""}>
        {percent(worker.rejectRate, 2)}
      </span>
    ),
  },
  { title: "Last share", num: true, cell: (worker) => <Ago at={worker.lastShare} /> },
];

export function MyWorkers({ me }: { me: MeView }) {
  const { shown, online, hidden } = me.workerCounts;
  if (me.workers.length === 0 && me.waiting.length === 0 && hidden === 0)
    return (
      <Card title="Workers">
        <Empty title="No worker yet">
          Start a miner: <a href="/#connect">how to connect</a>.
        </Empty>
      </Card>
    );
  const list = listOf(me);
  return (
    <Card
      title="Workers"
      aside={
        <span class="reading">
          <span>
            {count(online)} of {count(shown)} online
          </span>
          <span>refused in the last hour: {percent(me.rejectRate, 2)}</span>
        </span>
      }
    >
      {(shown > FEW || hidden > 0 || wanted.value.search !== "" || wanted.value.state !== undefined) && (
        <Finder me={me} />
      )}
      {list.workers.length === 0 ? (
        <Empty title={wanted.value.hidden ? "No worker is hidden" : "No worker is like this"} />
      ) : (
        <Table
          label="workers"
          columns={COLUMNS}
          rows={list.workers}
          keyOf={(worker) => `${worker.kind} ${worker.name}`}
        />
      )}
      <Pages
        of="workers"
        {...{ from: list.from, rows: list.workers.length, total: list.total, size: PAGE_WORKERS }}
        to={(from) => ask({ from })}
      />
      {me.waiting.length > 0 && <Waiting waiting={me.waiting} />}
    </Card>
  );
}

/** Looks for a name, and shows those that are hidden. */
function Finder({ me }: { me: MeView }) {
  const { search, hidden, state } = wanted.value;
  return (
    <search class="finder">
      <input
        type="search"
        aria-label="Find a worker by its name"
        placeholder="Find a worker"
        maxLength={254}
        value={search}
        onInput={(event) => ask({ search: event.currentTarget.value })}
      />
      {STATES.filter((one) => one === state || me.workerCounts[one] > 0).map((one) => (
        <button
          key={one}
          type="button"
          class="small"
          aria-pressed={state === one}
          onClick={() => ask({ state: state === one ? undefined : one })}
        >
          {`${STATE_NAMES[one]} (${count(me.workerCounts[one])})`}
        </button>
      ))}
      {(hidden || me.workerCounts.hidden > 0) && (
        <button type="button" class="small" aria-pressed={hidden} onClick={() => ask({ hidden: !hidden })}>
          {`Hidden (${count(me.workerCounts.hidden)})`}
        </button>
      )}
    </search>
  );
}

export function HideButton({ worker: { name, hidden } }: { worker: WorkerView }) {
  return hidden ? (
    <SayButton body={{ show: [name] }}>show</SayButton>
  ) : (
    <SayButton body={{ hide: [name] }} title="until it works again">
      hide
    </SayButton>
  );
}

function Waiting({ waiting }: { waiting: MeView["waiting"] }) {
  const all = waiting.map((worker) => worker.name);
  return (
    <div class="small">
      <p>
        These logged in without your password. Their work is yours, counted in (other rigs): say which are
        your own.
      </p>
      <p>
        {waiting.map(({ name }) => (
          <span key={name} class="name">
            {nameOf(name)}
            <SayButton body={{ own: [name] }}>mine</SayButton>{" "}
          </span>
        ))}
        {all.length > 1 && <SayButton body={{ own: all }}>all are mine</SayButton>}
      </p>
    </div>
  );
}

interface SayButtonProps {
  body: Partial<Record<"own" | "hide" | "show", readonly string[]>>;
  title?: string;
  children: string;
}

/** Says something about workers. */
function SayButton({ body, title, children }: SayButtonProps) {
  const isSending = useSignal(false);
  const say = async (): Promise<void> => {
    isSending.value = true;
    await attempt(async () => {
      await request("PUT", "/api/me/workers", body);
      await refreshNow();
    });
    isSending.value = false;
  };
  return (
    <button type="button" class="small" title={title} disabled={isSending.value} onClick={() => void say()}>
      {children}
    </button>
  );
}
