/** Register over the web; a miner can do the same over stratum. */

import { signal } from "@preact/signals";
import type { PoolView } from "../../../api/views/views.ts";
import { type Field, Form } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";
import { get } from "../live/api.ts";

const isOpen = signal(false);

const fieldsOf = (open: boolean): Field[] => [
  {
    name: "name",
    label: "User name",
    hint: "1 to 254 printable ASCII characters, no space and no comma. Miners use it to log in.",
    autocomplete: "username",
  },
  {
    name: "password",
    label: "Password",
    hint: "At least 8 characters.",
    type: "password",
    autocomplete: "new-password",
    minlength: 8,
  },
  {
    name: "invite",
    label: open ? "Invite code (not needed)" : "Invite code",
    hint: open
      ? "Registration is open on this pool."
      : "From the pool's operator; each is good for one user.",
    autocomplete: "off",
    optional: open,
  },
  {
    name: "address",
    label: "Payout address",
    hint: "FA…, from your Factom wallet (factom-cli newfctaddress makes one). You are paid there.",
    autocomplete: "off",
  },
];

function RegisterPage() {
  return (
    <div class="narrow">
      <section class="card" aria-labelledby="title">
        <h1 id="title">Register</h1>
        <Form
          method="POST"
          path="/api/register"
          fields={fieldsOf(isOpen.value)}
          button="Register"
          done={() => {
            location.assign("/me");
            return undefined;
          }}
          beside={<a href="/login">Log in instead</a>}
        />
      </section>
    </div>
  );
}

mount(RegisterPage);
get<PoolView>("/api/pool")
  .then(({ body }) => {
    isOpen.value = body?.registration === "open";
  })
  .catch(() => undefined);
