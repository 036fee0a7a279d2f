/** For the operator: invite codes, what each is for and until when. */

import { useSignal } from "@preact/signals";
import type { InvitesView, InviteView } from "../../../api/views/views.ts";
import { Card, Empty, Loading } from "../components/card.tsx";
import { Name, Tag, When } from "../components/figures.tsx";
import { Form } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { plural } from "../format.ts";
import { ApiError, request } from "../live/api.ts";
import { attempt, refreshNow } from "../live/fresh.ts";
import { watch } from "../live/watch.ts";
import { OperatorHead } from "../parts/operator.tsx";
import { spanField, spanSeconds } from "../parts/span-field.ts";

type Invite = InvitesView["invites"][number];

const REFRESH_MS = 10_000;
const invites = watch<InvitesView>("/api/admin/invites?limit=200", REFRESH_MS);

const COLUMNS: readonly Column<Invite>[] = [
  { title: "Code", cell: (invite) => <code>{invite.code}</code> },
  { title: "For", cell: (invite) => <Name>{invite.note}</Name> },
  { title: "By", cell: (invite) => <Name>{invite.madeBy}</Name>, wideOnly: true },
  { title: "Made", cell: (invite) => <When at={invite.createdAt} />, wideOnly: true },
  { title: "Good until", cell: (invite) => (invite.endsAt === null ? "–" : <When at={invite.endsAt} />) },
  { title: "Claimed by", cell: (invite) => <Claimed invite={invite} /> },
];

function Claimed({ invite }: { invite: Invite }) {
  if (invite.claimedBy !== null)
    return (
      <span class="looked">
        <Name>{invite.claimedBy}</Name>
        {invite.claimedAt !== null && <When at={invite.claimedAt} />}
      </span>
    );
  return invite.over ? <Tag>over</Tag> : <Free code={invite.code} />;
}

function Free({ code }: { code: string }) {
  const isEnding = useSignal(false);
  const end = async (): Promise<void> => {
    isEnding.value = true;
    await attempt(async () => {
      await request("POST", "/api/admin/invites/end", { code });
      await refreshNow();
    });
    isEnding.value = false;
  };
  return (
    <span class="looked">
      <Tag kind="good">free</Tag>
      <button type="button" disabled={isEnding.value} onClick={() => void end()}>
        End
      </button>
    </span>
  );
}

/** Throws ApiError. */
function countOf(text: string): number {
  if (text.trim() === "") return 1;
  if (/^\d{1,2}$/.test(text.trim())) return Number(text);
  throw new ApiError(0, "how many: expected 1 to 50");
}

function InvitesPage() {
  return (
    <>
      <OperatorHead title="Invite codes" />
      <Card title="Make codes">
        <Form<InviteView>
          method="POST"
          path="/api/admin/invites"
          fields={[
            {
              name: "note",
              label: "For",
              hint: "only administrators see it",
              autocomplete: "off",
              optional: true,
            },
            {
              ...{ name: "count", label: "How many", autocomplete: "off", optional: true },
              hint: "each makes one user; empty: one",
            },
            spanField("for", "Good for", "empty: without an end"),
          ]}
          button="New code"
          bodyOf={({ note = "", count = "", for: span = "" }) => ({
            ...{ note, count: countOf(count) },
            forSeconds: spanSeconds(span, "good for") ?? null,
          })}
          done={({ codes }) => {
            void refreshNow();
            return `${plural(codes.length, "code")} made: ${codes.join(", ")}`;
          }}
        />
      </Card>
      <Card title="Codes">
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
