/** For the operator: who is registered, and what each earned, was paid and is owed. */

import type { UsersView } from "../../../api/views/views.ts";
import { Card, Loading } from "../components/card.tsx";
import { Hash, Name, Peg, Tag, When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { watch } from "../live/watch.ts";
import { OperatorHead } from "../parts/operator.tsx";

type User = UsersView["users"][number];

const REFRESH_MS = 10_000;
const users = watch<UsersView>("/api/admin/users?limit=200", REFRESH_MS);

const COLUMNS: readonly Column<User>[] = [
  { title: "Name", cell: (user) => <Name>{user.name}</Name> },
  { title: "Kind", cell: (user) => <Kind user={user} /> },
  { title: "Since", cell: (user) => <When at={user.since} /> },
  { title: "Earned", num: true, cell: (user) => <Peg units={user.booked} unit={false} /> },
  { title: "Paid out", num: true, cell: (user) => <Peg units={user.paidOut} unit={false} /> },
  { title: "Owed", num: true, cell: (user) => <Peg units={user.owed} unit={false} /> },
  { title: "Payout address", cell: (user) => <Hash>{user.payoutAddress ?? "none"}</Hash> },
];

function Kind({ user }: { user: User }) {
  if (user.admin) return <Tag kind="good">operator</Tag>;
  return user.canLogIn ? null : <Tag title="has no password and cannot log in">mines only</Tag>;
}

function UsersPage() {
  return (
    <>
      <OperatorHead title="Users" />
      <Card title="Newest users" aside={<span class="reading">amounts in PEG</span>}>
        {users.value === undefined ? (
          <Loading />
        ) : (
          <Table label="users" columns={COLUMNS} rows={users.value.users} keyOf={(user) => user.name} />
        )}
      </Card>
    </>
  );
}

mount(UsersPage);
