/** For the operator: hits that could have won. How many are due by the credited work, and how many came in time. */

import type { WithholdingView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Name } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, decimal, plural } from "../format.ts";
import { watch } from "../live/watch.ts";
import { OperatorHead } from "../parts/operator.tsx";

type User = WithholdingView["users"][number];
type Look = User["looks"][number];
type Hits = Pick<User, "due" | "sent" | "deviation">;

const REFRESH_MS = 30_000;
const withholding = watch<WithholdingView>("/api/admin/withholding?limit=100", REFRESH_MS);

const sigmas = (deviation: number | null): string =>
  deviation === null ? "" : `${decimal(deviation, 2).replace("-", "−")} σ`;

const figures = (hits: Hits): string =>
  [`${count(hits.sent)} of ${decimal(hits.due)}`, sigmas(hits.deviation)]
    .filter((part) => part !== "")
    .join(", ");

const alarmsOf = (user: User): number => user.looks.reduce((sum, looks) => sum + looks.alarms, 0);

const BEFORE_LOOKS: readonly Column<User>[] = [
  { title: "Name", cell: (user) => <Name>{user.name}</Name> },
  {
    title: "Alarms",
    num: true,
    cell: (user) => <span class={alarmsOf(user) > 0 ? "warn" : "muted"}>{count(alarmsOf(user))}</span>,
  },
  { title: "Hits due", num: true, cell: (user) => decimal(user.due) },
  { title: "In time", num: true, cell: (user) => count(user.sent) },
  { title: "Deviation", num: true, cell: (user) => sigmas(user.deviation) },
];
const AFTER_LOOKS: readonly Column<User>[] = [
  { title: "Through block", num: true, cell: (user) => count(user.through) },
];

interface Group {
  readonly who: string;
  readonly hits: string;
}

const GROUP_COLUMNS: readonly Column<Group>[] = [
  { title: "Who", cell: (group) => group.who },
  { title: "Hits in time, of those due", num: true, cell: (group) => group.hits },
];

function WithholdingPage() {
  const view = withholding.value;
  return (
    <>
      <OperatorHead title="Withheld hits" />
      <Card
        title="Everybody"
        aside={<span class="reading">nothing follows from these figures by itself</span>}
      >
        {view === undefined ? <Loading /> : <Groups view={view} />}
      </Card>
      <Card title="User by user">{view === undefined ? <Loading /> : <Users users={view.users} />}</Card>
    </>
  );
}

function Groups({ view }: { view: WithholdingView }) {
  const rows: Group[] = [
    { who: "the whole pool", hits: figures(view.pool) },
    ...(view.small.users === 0
      ? []
      : [
          {
            who: `${plural(view.small.users, "account")} too small for a look yet, together`,
            hits: figures(view.small),
          },
        ]),
  ];
  return <Table label="everybody" columns={GROUP_COLUMNS} rows={rows} keyOf={(row) => rows.indexOf(row)} />;
}

function Users({ users }: { users: readonly User[] }) {
  const [first] = users;
  if (first === undefined)
    return (
      <Empty title="No block to judge yet">
        Blocks count once they are sealed and had a submission threshold.
      </Empty>
    );
  const looks = first.looks.map(
    ({ length }, i): Column<User> => ({
      title: `At ${count(length)} due`,
      num: true,
      cell: (user) => <LastLook looks={user.looks[i]} />,
    }),
  );
  return (
    <Table
      label="users"
      columns={[...BEFORE_LOOKS, ...looks, ...AFTER_LOOKS]}
      rows={users}
      keyOf={(user) => user.name}
    />
  );
}

function LastLook({ looks }: { looks: Look | undefined }) {
  if (looks === undefined || looks.last === null) return <span class="muted">none yet</span>;
  return (
    <span title={`chance ${looks.last.chance.toExponential(1)}; ${count(looks.done)} looks so far`}>
      {figures(looks.last)}
    </span>
  );
}

mount(WithholdingPage);
