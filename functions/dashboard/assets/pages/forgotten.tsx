/** A new password by a code that is sent by e-mail; a payout address taken back by the code of an alert. */

import { Form } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";

function ForgottenPage() {
  return (
    <div class="narrow">
      <section class="card" aria-labelledby="title">
        <h1 id="title">Forgotten password</h1>
        <p class="small muted">
          A code is sent to the addresses of e-mail that you have confirmed for alerts. Without one, the
          pool's operator can give you a new password. Miners go on without one.
        </p>
        <Form
          method="POST"
          path="/api/password-reset"
          fields={[{ name: "name", label: "User name", autocomplete: "username" }]}
          button="Send a code"
          done={() =>
            "If this user has an address of e-mail here, a code is on its way. It is good for 30 minutes."
          }
          beside={<a href="/login">Log in instead</a>}
        />
      </section>
      <section class="card" aria-labelledby="code">
        <h2 id="code">Enter the code</h2>
        <Form
          method="PUT"
          path="/api/password-reset"
          fields={[
            { name: "code", label: "Code of the e-mail", autocomplete: "one-time-code" },
            {
              name: "next",
              label: "New password",
              hint: "At least 8 characters. Every login and every token of yours ends; a second factor stays.",
              type: "password",
              autocomplete: "new-password",
              minlength: 8,
            },
          ]}
          button="Set the password"
          done={() => "Done. Log in with it."}
        />
      </section>
      <section class="card" aria-labelledby="keep">
        <h2 id="keep">Somebody changed my payout address</h2>
        <p class="small muted">
          The alert about it has a code, good for 24 hours. With it the former address holds again, and
          everybody who is logged in as you is logged out.
        </p>
        <Form
          method="POST"
          path="/api/address/keep"
          fields={[{ name: "code", label: "Code of the alert", autocomplete: "off" }]}
          button="Take it back"
          done={() => "Done: the former address holds. Now set a new password."}
        />
      </section>
    </div>
  );
}

mount(ForgottenPage);
