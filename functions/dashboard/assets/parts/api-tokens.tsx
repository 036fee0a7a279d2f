/** Tokens by which a user's scripts read what its page shows: made, shown once, revoked. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ApiTokensView, ApiTokenView } from "../../../api/views/access.ts";
import { Card } from "../components/card.tsx";
import { Name, When } from "../components/figures.tsx";
import { CODE_FIELD, Form, PASSWORD_FIELD } from "../components/form.tsx";
import { type Column, Table } from "../components/table.tsx";
import { request } from "../live/api.ts";
import { attempt, feedOf } from "../live/fresh.ts";

const PATH = "/api/me/tokens";
type Token = ApiTokensView["tokens"][number];

const feed = feedOf<ApiTokensView>(PATH);
const load = (): void => void attempt(() => feed.refresh());

function revoke(id: number): void {
  void attempt(async () => {
    await request("DELETE", PATH, { id });
    await feed.refresh();
  });
}

const COLUMNS: readonly Column<Token>[] = [
  { title: "Token", cell: (token) => <Name>{token.name}</Name> },
  { title: "Made", cell: (token) => <When at={token.made} /> },
  { title: "Last used", cell: (token) => (token.used === null ? "never" : <When at={token.used} />) },
  {
    title: "Revoke",
    cell: (token) => (
      <button type="button" class="small" onClick={() => revoke(token.id)}>
        Revoke
      </button>
    ),
  },
];

export function TokensCard({ user }: { user: string }) {
  const made = useSignal("");
  useEffect(load, []);
  const tokens = feed.value.value?.tokens ?? [];
  return (
    <Card title="Tokens for scripts">
      <p class="small muted">
        A script cannot answer a second factor. With a token in its header{" "}
        <code>Authorization: Bearer …</code> it reads whatever is below <code>/api/me</code>, and can change
        nothing.
      </p>
      {tokens.length > 0 && (
        <Table label="tokens" columns={COLUMNS} rows={tokens} keyOf={(token) => token.id} />
      )}
      {made.value !== "" && (
        <p role="status">
          Copy it now, it is not shown again: <code class="name">{made.value}</code>
        </p>
      )}
      <Form<ApiTokenView>
        method="POST"
        path={PATH}
        user={user}
        fields={[
          { name: "name", label: "Name of the token", hint: "What it is for.", autocomplete: "off" },
          PASSWORD_FIELD,
          CODE_FIELD,
        ]}
        button="Make a token"
        done={({ token }) => {
          made.value = token;
          load();
          return undefined;
        }}
      />
    </Card>
  );
}
