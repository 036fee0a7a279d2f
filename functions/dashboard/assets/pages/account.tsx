/** Who is logged in, and what a user may change. */

import { Card, Empty, Loading, PageHead } from "../components/card.tsx";
import { CODE_FIELD, Form, PASSWORD_FIELD } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";
import { logOut, type User, user } from "../live/session.ts";
import { TokensCard } from "../parts/api-tokens.tsx";
import { LeaveCard } from "../parts/leave.tsx";
import { AddressCard } from "../parts/payout-address.tsx";
import { SecondFactorCard } from "../parts/second-factor.tsx";
import { SessionsCard } from "../parts/sessions.tsx";
import { ShownCard } from "../parts/shown.tsx";

function AccountPage() {
  const who = user.value;
  if (who === undefined || who === null)
    return (
      <>
        <PageHead title="Account" />
        <Card title="Nobody is logged in">
          {who === undefined ? (
            <Loading />
          ) : (
            <Empty title="You are not logged in">
              <a href="/login?next=/whoami">Log in</a>
            </Empty>
          )}
        </Card>
      </>
    );
  return (
    <>
      <PageHead title={who.name}>
        <button type="button" onClick={() => void logOut()}>
          Log out
        </button>
      </PageHead>
      <div class="grid-2">
        <AddressCard who={who} />
        <PasswordCard who={who} />
        <SecondFactorCard user={who} />
        <TokensCard user={who.name} />
        <SessionsCard />
        <ShownCard user={who.name} />
        {!who.admin && <LeaveCard who={who} />}
      </div>
    </>
  );
}

function PasswordCard({ who }: { who: User }) {
  return (
    <Card title="Password">
      <Form
        method="PUT"
        path="/api/me/password"
        user={who.name}
        fields={[
          PASSWORD_FIELD,
          {
            name: "next",
            label: "New password",
            hint: "At least 8 characters. Every other login of yours ends, and every token.",
            type: "password",
            autocomplete: "new-password",
            minlength: 8,
          },
          CODE_FIELD,
        ]}
        button="Change password"
        done={() => "Changed."}
      />
    </Card>
  );
}

mount(AccountPage);
