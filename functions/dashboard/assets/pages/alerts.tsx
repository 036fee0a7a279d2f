/** Where a user is told what happens: a card for each destination, with a test and what became of the last message. */

import { signal, useSignal } from "@preact/signals";
import type { TargetedSubmitEvent } from "preact";
import { useId } from "preact/hooks";
import type { AlertEvent, ChannelKind } from "../../../../shared/alerts/kinds.ts";
import type { AlertAddedView, AlertsView } from "../../../api/views/alerts.ts";
import { Card, Empty, Loading, PageHead } from "../components/card.tsx";
import { Name, Tag, When } from "../components/figures.tsx";
import { Form } from "../components/form.tsx";
import { mount } from "../components/frame.tsx";
import { sentence } from "../format.ts";
import { ApiError, request } from "../live/api.ts";
import { refreshNow } from "../live/fresh.ts";
import { watch } from "../live/watch.ts";

type Destination = AlertsView["destinations"][number];

const PATH = "/api/me/alerts";
const alerts = watch<AlertsView>(PATH, 3_000);
/** Of the webhook that was just made: the pool shows it this once. */
const newSecret = signal("");

const EVENTS: Readonly<Record<AlertEvent, string>> = {
  offline: "a rig is offline",
  low: "a rig is low",
  recovered: "it works again",
  refused: "many shares are refused",
  block: "a block was won",
  payment: "a payment was sent",
  login: "a login from a new place",
  address: "the payout address changed",
  red: "a check of the pool is red",
};
const CHANNELS: Readonly<Record<ChannelKind, string>> = {
  email: "E-mail",
  webhook: "Webhook",
  ntfy: "ntfy",
  discord: "Discord",
  telegram: "Telegram",
};
const TARGETS: Readonly<Record<ChannelKind, string>> = {
  email: "ann@example.com; it is sent a code first",
  webhook: "https://… of yours, which gets signed JSON",
  ntfy: "https://ntfy.sh/your-topic",
  discord: "the webhook's address from the channel's settings",
  telegram: "the number of the chat with your bot",
};
const EVERY: readonly (readonly [number, string])[] = [
  [5, "5 minutes"],
  [15, "15 minutes"],
  [60, "an hour"],
  [360, "6 hours"],
  [1440, "a day"],
];
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

function AlertsPage() {
  const shown = alerts.value;
  return (
    <>
      <PageHead title="Alerts" about="Tell me when my rig stops: where, of what, and how often." />
      {shown === undefined ? (
        <Card title="Where you are told">
          <Loading />
        </Card>
      ) : (
        <Destinations view={shown} />
      )}
    </>
  );
}

function Destinations({ view }: { view: AlertsView }) {
  return (
    <>
      {newSecret.value !== "" && (
        <Card title="The webhook's secret">
          <p>
            Messages are signed by it (Standard Webhooks). It is not shown again:{" "}
            <code class="name">{newSecret}</code>
          </p>
        </Card>
      )}
      {view.destinations.length === 0 && (
        <Card title="Where you are told">
          <Empty title="You are told nowhere yet">Add a destination below.</Empty>
        </Card>
      )}
      {view.destinations.map((one) => (
        <DestinationCard key={one.id} one={one} offered={view.offered} />
      ))}
      {view.destinations.length < view.most && <AddCard view={view} />}
    </>
  );
}

function AddCard({ view: { channels, offered } }: { view: AlertsView }) {
  return (
    <Card title="Add a destination">
      <Form<AlertAddedView>
        method="POST"
        path={PATH}
        fields={[
          {
            ...{ name: "kind", label: "Where", autocomplete: "off" },
            options: Object.fromEntries(channels.map((kind) => [kind, CHANNELS[kind]])),
          },
          {
            ...{ name: "target", label: "Address", autocomplete: "off" },
            hint: channels.map((kind) => `${CHANNELS[kind]}: ${TARGETS[kind]}`).join(". "),
          },
          {
            ...{ name: "secret", label: "Token", autocomplete: "off", type: "password", optional: true },
            hint: "Telegram: of your bot, from @BotFather. ntfy: of a protected topic. Empty for others.",
          },
        ]}
        button="Add"
        bodyOf={(values) => ({ ...values, events: offered, everyMinutes: 60, quiet: null })}
        done={({ secret }) => {
          newSecret.value = secret;
          void refreshNow();
          return "Added.";
        }}
      />
    </Card>
  );
}

function DestinationCard({ one, offered }: { one: Destination; offered: AlertsView["offered"] }) {
  const said = useSignal<{ kind: "good" | "bad"; text: string } | undefined>(undefined);
  const call = async (method: "POST" | "PUT" | "DELETE", path: string, body: object, done: string) => {
    said.value = undefined;
    try {
      await request(method, path, { id: one.id, ...body });
      said.value = { kind: "good", text: done };
      await refreshNow();
    } catch (error) {
      const text = error instanceof ApiError ? error.message : "this did not work";
      said.value = { kind: "bad", text: sentence(text) };
    }
  };
  return (
    <Card title={`${CHANNELS[one.kind]}: ${one.target}`} aside={<State one={one} />}>
      <LastResult one={one} />
      {one.state === "unconfirmed" ? (
        <Form
          method="POST"
          path={`${PATH}/confirm`}
          fields={[{ name: "code", label: "Code from the message", autocomplete: "one-time-code" }]}
          button="Confirm"
          bodyOf={(values) => ({ id: one.id, ...values })}
          done={() => {
            void refreshNow();
            return undefined;
          }}
          beside={
            <button
              type="button"
              onClick={() => void call("POST", `${PATH}/code`, {}, "Another is on its way.")}
            >
              Send another code
            </button>
          }
        />
      ) : (
        <Choice one={one} offered={offered} save={(choice) => void call("PUT", PATH, choice, "Saved.")} />
      )}
      <div class="actions">
        {one.state !== "unconfirmed" && (
          <button type="button" onClick={() => void call("POST", `${PATH}/test`, {}, "It is on its way.")}>
            Send a test
          </button>
        )}
        <button type="button" onClick={() => void call("DELETE", PATH, {}, "Removed.")}>
          Remove
        </button>
      </div>
      <p role="status" class={`small ${said.value?.kind ?? ""}`} hidden={said.value === undefined}>
        {said.value?.text}
      </p>
    </Card>
  );
}

function State({ one }: { one: Destination }) {
  if (one.state === "unconfirmed") return <Tag kind="warn">not confirmed</Tag>;
  if (one.state === "paused") return <Tag kind="bad">paused: a test that arrives turns it on</Tag>;
  return one.failures > 0 ? <Tag kind="bad">fails</Tag> : <Tag kind="good">on</Tag>;
}

function LastResult({ one }: { one: Destination }) {
  if (one.triedAt === null) return <p class="small muted">Nothing was sent yet.</p>;
  return (
    <p class={`small ${one.result === "" ? "good" : "bad"}`}>
      {one.result === "" ? (
        "The last message arrived "
      ) : (
        <>
          The last message did not arrive: <Name>{one.result}</Name>,{" "}
        </>
      )}
      <When at={one.triedAt} />.
      {one.nextTryAt !== null && one.due > 0 && (
        <>
          {" "}
          Tried again <When at={one.nextTryAt} />.
        </>
      )}
    </p>
  );
}

interface ChoiceProps {
  one: Destination;
  offered: AlertsView["offered"];
  save: (choice: object) => void;
}

function Choice({ one, offered, save }: ChoiceProps) {
  const id = useId();
  const events = useSignal<readonly string[]>(one.events);
  const quietUrgent = useSignal(one.quietUrgent);
  const toggle = (event: string): void => {
    const chosen = events.value;
    events.value = chosen.includes(event) ? chosen.filter((other) => other !== event) : [...chosen, event];
  };
  const onSubmit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const [from, until] = [String(data.get("quietFrom") ?? ""), String(data.get("quietUntil") ?? "")];
    save({
      events: events.value,
      everyMinutes: Number(data.get("every")),
      quiet: from === "" || until === "" ? null : { from, until, zone: one.quiet?.zone ?? ZONE },
      quietUrgent: quietUrgent.value,
    });
  };
  return (
    <form onSubmit={onSubmit}>
      <div class="field">
        <b>Tell me when</b>
        <div class="actions">
          {offered.map((event) => (
            <button
              key={event}
              type="button"
              class="small"
              aria-pressed={events.value.includes(event)}
              onClick={() => toggle(event)}
            >
              {EVENTS[event]}
            </button>
          ))}
        </div>
      </div>
      <div class="field">
        <label htmlFor={`${id}-every`}>Of one rig and kind at most one message in</label>
        <select id={`${id}-every`} name="every" defaultValue={`${one.everyMinutes}`}>
          {[
            ...new Map([
              ...EVERY,
              [
                one.everyMinutes,
                EVERY.find(([n]) => n === one.everyMinutes)?.[1] ?? `${one.everyMinutes} minutes`,
              ],
            ]),
          ].map(([minutes, words]) => (
            <option key={minutes} value={`${minutes}`} selected={minutes === one.everyMinutes}>
              {words}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label htmlFor={`${id}-begin`}>Quiet hours begin</label>
        <input id={`${id}-begin`} type="time" name="quietFrom" defaultValue={one.quiet?.from ?? ""} />
        <label htmlFor={`${id}-end`}>and end</label>
        <input id={`${id}-end`} type="time" name="quietUntil" defaultValue={one.quiet?.until ?? ""} />
        <span class="small muted">
          What can wait is told when it ends, in one message. {one.quiet?.zone ?? ZONE}.
        </span>
      </div>
      {offered.includes("red") && (
        <div class="field">
          <span>In quiet hours red checks about money and the chain are told all the same, unless</span>
          <div class="actions">
            <button
              type="button"
              class="small"
              aria-pressed={quietUrgent.value}
              onClick={() => {
                quietUrgent.value = !quietUrgent.value;
              }}
            >
              they wait too
            </button>
          </div>
        </div>
      )}
      <div class="actions">
        <button class="primary" type="submit">
          Save
        </button>
      </div>
    </form>
  );
}

mount(AlertsPage);
