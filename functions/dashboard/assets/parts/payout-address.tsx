/** Where the money goes: changed here, and taken back within a day. */

import { useEffect } from "preact/hooks";
import type { AddressView } from "../../../api/views/access.ts";
import { Card } from "../components/card.tsx";
import { When } from "../components/figures.tsx";
import { CODE_FIELD, Form, PASSWORD_FIELD } from "../components/form.tsx";
import { ApiError, request } from "../live/api.ts";
import { attempt, feedOf } from "../live/fresh.ts";
import { loadSession, type User } from "../live/session.ts";

const PATH = "/api/me/address";

const feed = feedOf<AddressView>(PATH);
const load = (): void => void attempt(() => feed.refresh());

function changed(): void {
  void loadSession();
  load();
}

async function takeBack(): Promise<void> {
  await request("DELETE", PATH);
  changed();
}

export function AddressCard({ who }: { who: User }) {
  useEffect(load, []);
  const { former = null, heldUntil = null } = feed.value.value ?? {};
  return (
    <Card title="Payout address">
      <p class="current">
        <code class="name">{who.payoutAddress ?? "none yet: nothing can be paid to you"}</code>
      </p>
      {former !== null && heldUntil !== null && (
        <>
          <p class="small">
            Changed within the last day: nothing is paid to it before <When at={heldUntil} />. Until then you
            can take the former one back, <code class="name">{former}</code>.
          </p>
          <p class="small">
            A payout that was prepared before the change still goes to the former one. If you have lost its
            key, tell the operator, who prepares the payout anew, without you.
          </p>
          <p>
            <button type="button" onClick={() => void attempt(takeBack)}>
              Take it back
            </button>
          </p>
        </>
      )}
      <Form
        method="PUT"
        path={PATH}
        user={who.name}
        fields={[
          {
            name: "address",
            label: "New address",
            hint: "FA…, from your Factom wallet. For 24 hours nothing is paid, and you can take the change back; your alerts tell of it.",
            autocomplete: "off",
          },
          {
            name: "again",
            label: "New address once more",
            hint: "What was paid to a wrong address is lost.",
            autocomplete: "off",
          },
          PASSWORD_FIELD,
          CODE_FIELD,
        ]}
        bodyOf={({ again, ...body }) => {
          if (body["address"] !== again) throw new ApiError(422, "the two addresses differ");
          return body;
        }}
        button="Change address"
        done={() => {
          changed();
          return "Changed. It is paid to in 24 hours.";
        }}
      />
    </Card>
  );
}
