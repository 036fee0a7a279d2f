/** For everybody: whether the pool works, since when as far as it is known, and what its own miner measures from outside. */

import type { StatusView } from "../../../api/views/status.ts";
import { Card, Empty, Loading, PageHead, Tile, Tiles } from "../components/card.tsx";
import { Ago, Tag, type TagKind, When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, decimal, percent, plural } from "../format.ts";
import { watch } from "../live/watch.ts";

type Canary = NonNullable<StatusView["canary"]>;
type Step = keyof Canary["last"];

const status = watch<StatusView>("/api/status", 10_000);

const STATES: Readonly<Record<StatusView["state"], { kind: TagKind; words: string }>> = {
  ok: { kind: "good", words: "everything works" },
  maintenance: { kind: "warn", words: "maintenance" },
  trouble: { kind: "bad", words: "trouble" },
};
const STEPS: Readonly<Record<Step, string>> = {
  connect: "Connect",
  login: "Log in",
  job: "Get a job",
  answer: "A share's answer",
  row: "Its row in the books",
};

function StatusPage() {
  const shown = status.value;
  return (
    <>
      <PageHead title="Status" about="Whether miners get in, are answered, and are booked." />
      {shown === undefined ? (
        <Card title="Now">
          <Loading />
        </Card>
      ) : (
        <Shown view={shown} />
      )}
    </>
  );
}

function Shown({ view }: { view: StatusView }) {
  const { kind, words } = STATES[view.state];
  return (
    <>
      <Card title="Now" aside={<Tag kind={kind}>{words}</Tag>}>
        <Checks checks={view.checks} />
      </Card>
      <Tiles label="The last blocks and the uptime">
        <Mark name="Last block" mark={view.lastBlock} none="none graded yet" />
        <Mark name="Last record" mark={view.lastRecord} none="none on the chain yet" />
        <Mark name="Last won" mark={view.lastWon} none="no place won yet" />
        <Uptime name="Up, 24 hours" uptime={view.uptime.day} />
        <Uptime name="Up, 7 days" uptime={view.uptime.week} />
      </Tiles>
      <Card title="Measured from outside" aside={view.canary !== null && <Ago at={view.canary.at} />}>
        <Measured canary={view.canary} />
      </Card>
    </>
  );
}

const CHECKS: readonly Column<readonly [string, string]>[] = [
  { title: "Check", cell: ([name]) => name },
  { title: "Meaning", cell: ([name]) => <span class="muted">{MEANINGS[name] ?? ""}</span> },
  {
    title: "State",
    cell: ([, state]) => (state === "ok" ? <Tag kind="good">ok</Tag> : <span class="bad">{state}</span>),
  },
];

/** What a check's name means to somebody who mines. */
const MEANINGS: Readonly<Record<string, string>> = {
  listener: "miners can connect",
  journal: "accepted shares are kept on disk",
  lease: "this is the process that serves miners",
  follower: "the chain is followed",
  miners: "miners are served",
  database: "the books can be written",
  chain: "the network makes blocks",
  job: "there is work for miners",
};

function Checks({ checks }: { checks: StatusView["checks"] }) {
  return <Table label="checks" columns={CHECKS} rows={Object.entries(checks)} keyOf={([name]) => name} />;
}

function Mark({ name, mark, none }: { name: string; mark: StatusView["lastBlock"]; none: string }) {
  return (
    <Tile
      name={name}
      figure={{ value: mark === null ? "–" : count(mark.height) }}
      note={mark === null ? none : <Ago at={mark.at} />}
    />
  );
}

function Uptime({ name, uptime }: { name: string; uptime: StatusView["uptime"]["day"] }) {
  return (
    <Tile
      name={name}
      figure={{ value: uptime === null ? "–" : percent(uptime.part, uptime.part === 1 ? 0 : 2) }}
      note={
        uptime === null ? (
          "not measured"
        ) : (
          <>
            {plural(uptime.looks, "look")} since <When at={uptime.since} />
          </>
        )
      }
    />
  );
}

const MEASURED: readonly Column<readonly [Step, Canary]>[] = [
  { title: "Step", cell: ([step]) => STEPS[step] },
  { title: "Last", num: true, cell: ([step, { last }]) => ms(last[step]) },
  { title: "Usual", num: true, cell: ([step, { usual }]) => ms(usual[step]) },
];

function Measured({ canary }: { canary: StatusView["canary"] }) {
  if (canary === null)
    return (
      <Empty title="Nothing is measured">
        This pool's operator has not set up a miner that comes in from outside.
      </Empty>
    );
  return (
    <>
      {canary.failedAt !== null && (
        <p class="bad">
          The last look did not get through, at its step “{canary.failedAt}”, <When at={canary.at} />.
        </p>
      )}
      <Table
        label="steps"
        columns={MEASURED}
        rows={(Object.keys(STEPS) as Step[]).map((step) => [step, canary] as const)}
        keyOf={([step]) => step}
      />
      <p class="small muted">
        A miner of the pool's own connects as any other does. Usual is the median of 24 hours.
      </p>
    </>
  );
}

function ms(value: number | null): string {
  if (value === null) return "–";
  return value < 1000 ? `${decimal(value, value < 10 ? 1 : 0)} ms` : `${decimal(value / 1000, 1)} s`;
}

mount(StatusPage);
