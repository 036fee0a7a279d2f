/** Deleting one's login. */

import { Card } from "../components/card.tsx";
import { CODE_FIELD, Form, PASSWORD_FIELD } from "../components/form.tsx";
import type { User } from "../live/session.ts";

export function LeaveCard({ who }: { who: User }) {
  return (
    <Card title="Delete this account">
      <p class="small muted">
        Your login goes, with sessions, tokens, second factor and alerts; miners of this name are refused, and
        nobody else can take the name. What you have mined stays in the books, and what you are owed is paid
        to your address.
      </p>
      <details>
        <summary>Delete…</summary>
        <Form
          method="DELETE"
          path="/api/me"
          user={who.name}
          fields={[
            { name: "name", label: "Your user name", hint: "To say that you mean it.", autocomplete: "off" },
            PASSWORD_FIELD,
            CODE_FIELD,
          ]}
          button="Delete for good"
          done={() => {
            location.assign("/");
            return undefined;
          }}
        />
      </details>
    </Card>
  );
}
