/** A user's workers, and those that wait to be confirmed. */

import { useSignal } from "@preact/signals";
import type { MeView } from "../../../api/views/views.ts";
import { Card, Empty } from "../components/card.tsx";
import { Ago } from "../components/figures.tsx";
import { Sparkline } from "../components/sparkline.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, hashrate, percent } from "../format.ts";
import { request } from "../live/api.ts";
import { now } from "../live/clock.ts";
import { attempt, refreshNow } from "../live/fresh.ts";

type Worker = MeView["workers"][number];

/** With a larger part refused, something is wrong with the miner or its line. */
const MANY_REFUSED = 0.03;
/** Shares are counted by the minute, so nothing finer is known. */
const THIS_MINUTE_MS = 90_000;

const COLUMNS: readonly Column<Worker>[] = [
  {
    title: "Name",
    cell: (worker) => (
      <span class={`dot name ${worker.online ? "on" : ""}`} title={worker.online ? "online" : "offline"}>
        {nameOf(worker.name)}
        {worker.kind === "new" && <MineButton names={[worker.name]}>mine</MineButton>}
      </span>
    ),
  },
  { title: "Last hour", cell: (worker) => <Sparkline values={worker.minutes} /> },
  { title: "10 min", num: true, cell: (worker) => hashrate(worker.hashrateShort) },
  { title: "1 h", num: true, cell: (worker) => hashrate(worker.hashrateLong) },
  { title: "Shares", num: true, cell: (worker) => count(worker.shares) },
  {
    title: "Refused",
    num: true,
    cell: (worker) => (
      <span class={(worker.rejectRate ?? 0) > MANY_REFUSED ? "warn" : ""}>
        {percent(worker.rejectRate, 2)}
      </span>
    ),
  },
  { title: "Last share", num: true, cell: (worker) => <LastShare worker={worker} /> },
];

export function MyWorkers({ me }: { me: MeView }) {
  if (me.workers.length === 0 && me.waiting.length === 0)
    return (
      <Card title="Workers">
        <Empty title="No worker yet">
          Start a miner: <a href="/#connect">how to connect</a>.
        </Empty>
      </Card>
    );
  const online = me.workers.filter((worker) => worker.online).length;
  return (
    <Card
      title="Workers"
      aside={
        <span class="reading">
          <span>
            {online} of {me.workers.length} online
          </span>
          <span>refused in the last hour: {percent(me.rejectRate, 2)}</span>
        </span>
      }
    >
      <Table
        label="workers"
        columns={COLUMNS}
        rows={me.workers}
        keyOf={(worker) => `${worker.kind} ${worker.name}`}
      />
      {me.waiting.length > 0 && <Waiting waiting={me.waiting} />}
    </Card>
  );
}

const nameOf = (name: string): string => (name === "" ? "(no name)" : name);

function LastShare({ worker: { lastShare, lastBlock } }: { worker: Worker }) {
  if (lastShare === null) return <>block {count(lastBlock)}</>;
  if (now.value - Date.parse(lastShare) < THIS_MINUTE_MS) return <>this minute</>;
  return <Ago at={lastShare} />;
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
            <MineButton names={[name]}>mine</MineButton>{" "}
          </span>
        ))}
        {all.length > 1 && <MineButton names={all}>all are mine</MineButton>}
      </p>
    </div>
  );
}

function MineButton({ names, children }: { names: readonly string[]; children: string }) {
  const isSending = useSignal(false);
  const confirm = async (): Promise<void> => {
    isSending.value = true;
    await attempt(async () => {
      await request("PUT", "/api/me/workers", { own: names });
      await refreshNow();
    });
    isSending.value = false;
  };
  return (
    <button type="button" class="small" disabled={isSending.value} onClick={() => void confirm()}>
      {children}
    </button>
  );
}
