/** For the operator: invite codes. */

import { useSignal } from "@preact/signals";
import type { InvitesView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Name, Tag, When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { request } from "../live/api.ts";
import { attempt, refreshNow } from "../live/fresh.ts";
import { watch } from "../live/watch.ts";
import { OperatorHead } from "../parts/operator.tsx";

type Invite = InvitesView["invites"][number];

const REFRESH_MS = 10_000;
const invites = watch<InvitesView>("/api/admin/invites?limit=200", REFRESH_MS);

const COLUMNS: readonly Column<Invite>[] = [
  { title: "Code", cell: (invite) => <code>{invite.code}</code> },
  { title: "Made", cell: (invite) => <When at={invite.createdAt} /> },
  {
    title: "Claimed by",
    cell: (invite) =>
      invite.claimedBy === null ? <Tag kind="good">free</Tag> : <Name>{invite.claimedBy}</Name>,
  },
  { title: "Claimed", cell: (invite) => invite.claimedAt !== null && <When at={invite.claimedAt} /> },
];

function InvitesPage() {
  const isMaking = useSignal(false);
  const make = async (): Promise<void> => {
    isMaking.value = true;
    await attempt(async () => {
      await request("POST", "/api/admin/invites");
      await refreshNow();
    });
    isMaking.value = false;
  };
  const button = (
    <button type="button" class="primary" disabled={isMaking.value} onClick={() => void make()}>
      New code
    </button>
  );
  return (
    <>
      <OperatorHead title="Invite codes" />
      <Card title="Codes" aside={button}>
        <Codes view={invites.value} />
      </Card>
    </>
  );
}

function Codes({ view }: { view: InvitesView | undefined }) {
  if (view === undefined) return <Loading />;
  if (view.invites.length === 0)
    return <Empty title="No code yet">Make one and give it to whoever may register.</Empty>;
  return <Table label="codes" columns={COLUMNS} rows={view.invites} keyOf={(invite) => invite.code} />;
}

mount(InvitesPage);
