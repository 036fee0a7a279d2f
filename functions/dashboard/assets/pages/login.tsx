/** Log in, and go on to where one wanted to be. */

import { CODE_FIELD, Form } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";
import { pageAfterLogin } from "../live/session.ts";

const asked = new URLSearchParams(location.search);

function LoginPage() {
  return (
    <div class="narrow">
      <section class="card" aria-labelledby="title">
        <h1 id="title">Log in</h1>
        <Why />
        <Form
          method="POST"
          path="/api/session"
          fields={[
            { name: "name", label: "User name", autocomplete: "username" },
            { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
            CODE_FIELD,
          ]}
          button="Log in"
          done={() => {
            location.assign(pageAfterLogin());
            return undefined;
          }}
          beside={
            <>
              <a href="/register">Register instead</a>
              <a href="/login/forgotten">Forgotten?</a>
            </>
          }
        />
      </section>
    </div>
  );
}

/** Why one is here. */
function Why() {
  if (!asked.has("next")) return null;
  return (
    <p class="why-login" role="status">
      {asked.has("ended")
        ? "Your session has ended. Log in again, and you are back where you were."
        : "That page is for who is logged in. Log in, and it opens."}
    </p>
  );
}

mount(LoginPage);
