/** The second factor: turned on with an authenticator app, turned off again with a code of it. */

import { type Signal, useSignal } from "@preact/signals";
import { Card } from "../components/card.tsx";
import { CODE_FIELD, Form, PASSWORD_FIELD } from "../components/form.tsx";
import type { User } from "../live/session.ts";
import { QrCode } from "./qr-code.tsx";

const PATH = "/api/me/second-factor";

interface Enrolment {
  readonly secret: string;
  readonly uri: string;
}

type Step =
  | { readonly at: "off" | "on" }
  | { readonly at: "enrolling"; readonly enrolment: Enrolment }
  | { readonly at: "recovery"; readonly codes: readonly string[] };

/** A card that goes through the steps. */
export function SecondFactorCard({ user }: { user: User }) {
  const step = useSignal<Step>({ at: user.twoFactor ? "on" : "off" });
  return (
    <Card title="Second factor">
      <div class="steps">
        <Steps step={step} user={user.name} />
      </div>
    </Card>
  );
}

interface StepProps {
  step: Signal<Step>;
  user: string;
}

function Steps({ step, user }: StepProps) {
  const now = step.value;
  switch (now.at) {
    case "off":
      return <Off step={step} user={user} />;
    case "enrolling":
      return <Enrolling step={step} enrolment={now.enrolment} />;
    case "recovery":
      return <Recovery step={step} codes={now.codes} />;
    case "on":
      return <On step={step} user={user} />;
  }
}

function Off({ step, user }: StepProps) {
  return (
    <>
      <p class="small muted">
        Off. With it, a login needs a code of your authenticator app beside the password. Miners need none:
        they can neither read nor change anything.
      </p>
      <Form<Enrolment>
        key="off"
        method="POST"
        path={PATH}
        user={user}
        fields={[PASSWORD_FIELD]}
        button="Turn on"
        done={(enrolment) => {
          step.value = { at: "enrolling", enrolment };
          return undefined;
        }}
      />
    </>
  );
}

function Enrolling({ step, enrolment }: { step: Signal<Step>; enrolment: Enrolment }) {
  const grouped = enrolment.secret.match(/.{1,4}/g)?.join(" ") ?? enrolment.secret;
  return (
    <>
      <p class="small muted">1. Scan this with your authenticator app, or type the key into it:</p>
      <QrCode text={enrolment.uri} label="QR code of the key below" />
      <p class="current">
        <code class="name">{grouped}</code>
      </p>
      <p class="small">
        <a href={enrolment.uri}>Or open it in an app on this device</a>
      </p>
      <p class="small muted">2. Type the code that the app shows:</p>
      <Form<{ recoveryCodes: string[] }>
        key="enrolling"
        method="PUT"
        path={PATH}
        fields={[{ name: "code", label: "Code", autocomplete: "one-time-code" }]}
        button="Confirm"
        done={({ recoveryCodes }) => {
          step.value = { at: "recovery", codes: recoveryCodes };
          return undefined;
        }}
      />
    </>
  );
}

function Recovery({ step, codes }: { step: Signal<Step>; codes: readonly string[] }) {
  return (
    <>
      <p class="small">
        On. Keep these recovery codes, each good for one login without your app. They are shown only now.
      </p>
      <p class="current codes">
        {codes.map((code) => (
          <code key={code}>{code}</code>
        ))}
      </p>
      <button
        type="button"
        onClick={() => {
          step.value = { at: "on" };
        }}
      >
        I have kept them
      </button>
    </>
  );
}

function On({ step, user }: StepProps) {
  return (
    <>
      <p class="small muted">On: a login needs a code of your authenticator app.</p>
      <Form
        key="on"
        method="DELETE"
        path={PATH}
        user={user}
        fields={[PASSWORD_FIELD, CODE_FIELD]}
        button="Turn off"
        done={() => {
          step.value = { at: "off" };
          return undefined;
        }}
      />
    </>
  );
}
