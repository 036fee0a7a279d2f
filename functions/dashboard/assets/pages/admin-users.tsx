/** For the operator: who is registered, and what each earned, was paid and is owed; found by name or address, piece by piece. */

import { signal } from "@preact/signals";
import type { UsersView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Hash, Name, Peg, Tag, When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { get } from "../live/api.ts";
import { attempt, keepFresh } from "../live/fresh.ts";
import { OperatorHead } from "../parts/operator.tsx";
import { SearchForm } from "../parts/search-form.tsx";

type User = UsersView["users"][number];

const REFRESH_MS = 10_000;
const PAGE = 100;
const search = signal(new URLSearchParams(location.search).get("search") ?? "");
const users = signal<readonly User[] | undefined>(undefined);
const next = signal<string | null>(null);
const isLoading = signal(false);
/** An older search's answer is not shown. */
let asked = 0;

/** Undefined where another was asked for meanwhile. Throws ApiError. */
async function ask(before: string | null): Promise<UsersView | undefined> {
  asked += 1;
  const turn = asked;
  const query = new URLSearchParams({ limit: `${PAGE}` });
  if (search.value !== "") query.set("search", search.value);
  if (before !== null) query.set("before", before);
  const { body } = await get<UsersView>(`/api/admin/users?${query}`);
  return turn === asked ? body : undefined;
}

async function load(before: string | null): Promise<void> {
  isLoading.value = true;
  await attempt(async () => {
    const found = await ask(before);
    if (found === undefined) return;
    users.value = [...(before === null ? [] : (users.value ?? [])), ...found.users];
    next.value = found.next;
  });
  isLoading.value = false;
}

/** The first page again. What was shown below it stays, so that no row leaves under the eyes of who reads it because others came. Throws ApiError. */
async function freshen(): Promise<void> {
  if (isLoading.value) return;
  const found = await ask(null);
  if (found === undefined) return;
  const names = new Set(found.users.map(({ name }) => name));
  const shown = users.value ?? [];
  const isJoined = shown.some(({ name }) => names.has(name));
  users.value = [...found.users, ...(isJoined ? shown.filter(({ name }) => !names.has(name)) : [])];
  // The end of what is shown has not moved.
  if (!isJoined) next.value = found.next;
}

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
  if (user.barred)
    return (
      <a href="/admin/bars">
        <Tag kind="bad">barred</Tag>
      </a>
    );
  if (user.admin) return <Tag kind="good">administrator</Tag>;
  return user.canLogIn ? null : <Tag title="has no password and cannot log in">mines only</Tag>;
}

function UsersPage() {
  return (
    <>
      <OperatorHead title="Users" />
      <Card title="Users" aside={<span class="reading">the newest first, amounts in PEG</span>}>
        <SearchForm
          label="name or payout address"
          value={search.value}
          search={(text) => {
            search.value = text;
            void load(null);
          }}
        />
        <Found rows={users.value} />
        <div class="more">
          <button
            type="button"
            hidden={next.value === null}
            disabled={isLoading.value}
            onClick={() => void load(next.value)}
          >
            Show more
          </button>
        </div>
      </Card>
    </>
  );
}

function Found({ rows }: { rows: readonly User[] | undefined }) {
  if (rows === undefined) return <Loading />;
  if (rows.length === 0) return <Empty title="Nobody">No name has that in it, and no address is that.</Empty>;
  return <Table label="users" columns={COLUMNS} rows={rows} keyOf={(user) => user.name} />;
}

mount(UsersPage);
keepFresh(REFRESH_MS, freshen);
