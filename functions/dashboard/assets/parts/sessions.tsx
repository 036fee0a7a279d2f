/** Where a user is logged in, and how to end it. */

import { useEffect } from "preact/hooks";
import type { SessionsView } from "../../../api/views/access.ts";
import { Card } from "../components/card.tsx";
import { Tag, When } from "../components/figures.tsx";
import { type Column, Table } from "../components/table.tsx";
import { request } from "../live/api.ts";
import { attempt, feedOf } from "../live/fresh.ts";

const PATH = "/api/me/sessions";
type Session = SessionsView["sessions"][number];

const feed = feedOf<SessionsView>(PATH);
const load = (): void => void attempt(() => feed.refresh());

function end(ids: readonly string[]): void {
  void attempt(async () => {
    for (const id of ids) await request("DELETE", PATH, { id });
    await feed.refresh();
  });
}

const COLUMNS: readonly Column<Session>[] = [
  { title: "Since", cell: (session) => <When at={session.began} /> },
  { title: "Ends by itself", cell: (session) => <When at={session.ends} />, wideOnly: true },
  {
    title: "End",
    cell: (session) =>
      session.own ? (
        <Tag kind="good">this one</Tag>
      ) : (
        <button type="button" class="small" onClick={() => end([session.id])}>
          End
        </button>
      ),
  },
];

export function SessionsCard() {
  useEffect(load, []);
  const sessions = feed.value.value?.sessions ?? [];
  const others = sessions.filter(({ own }) => !own).map(({ id }) => id);
  return (
    <Card
      title="Where you are logged in"
      aside={
        others.length > 1 && (
          <button type="button" class="small" onClick={() => end(others)}>
            End all others
          </button>
        )
      }
    >
      <Table label="sessions" columns={COLUMNS} rows={sessions} keyOf={(session) => session.id} />
    </Card>
  );
}
