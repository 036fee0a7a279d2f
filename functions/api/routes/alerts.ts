/** Routes of a user's alerts: where they go, what is told, a test, the code that confirms an address of e-mail. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import {
  type AlertEvent,
  alertEvent,
  type ChannelKind,
  channelKind,
  MOST_DESTINATIONS,
  OPERATOR_EVENTS,
} from "../../../shared/alerts/kinds.ts";
import { type QuietHours, timeZone } from "../../../shared/alerts/quiet-hours.ts";
import { WEBHOOK_SECRET_BYTES, webhookSecret } from "../../../shared/alerts/webhook-signature.ts";
import type { Random } from "../../../shared/clock.ts";
import {
  type AlertDestination,
  addDestination,
  askMessage,
  changeDestination,
  confirmDestination,
  listDestinations,
  removeDestination,
} from "../../../shared/db/alert-destinations.ts";
import { field, idField } from "../http/inputs.ts";
import { waiting } from "../http/refusals.ts";
import {
  type ApiReply,
  type ApiRoute,
  NO_BODY,
  refused,
  userRoute,
  view,
  type WebSession,
} from "../http/route.ts";
import type { ApiModules, ApiOptions } from "../options.ts";
import { type AlertsView, quietHours } from "../views/alerts.ts";

const id = v.pipe(
  idField("of a destination, as in the list"),
  v.transform((text) => BigInt(text)),
);
const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const choice = {
  events: about(v.pipe(v.array(alertEvent), v.maxLength(32)), "what it is told of"),
  everyMinutes: about(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1440)),
    "at most one message of a kind about one rig in so many minutes",
    30,
  ),
  quiet: about(
    v.nullable(
      v.pipe(
        v.strictObject({
          ...quietHours.entries,
          zone: field("IANA's name of the time zone", "Europe/Berlin"),
        }),
        v.transform(
          ({ from, until, zone }): QuietHours => ({ from: minuteOf(from), until: minuteOf(until), zone }),
        ),
      ),
    ),
    "what can wait is told when they end; null: none",
  ),
  quietUrgent: v.optional(
    about(v.boolean(), "of an administrator: quiet hours hold the pool's urgent checks too"),
    false,
  ),
};

const TESTS = { ofUser: 30, toTarget: 30 };
/** Nobody is sent more of them than three a day, whoever asks. */
const CODES = { ofUser: 6, toTarget: 3 };
const CODE_MS = 3_600_000;
const OK = { ok: true };
/** What a route that sends something may refuse. */
const ASKED = ["404 no-destination", "429 too-many"] as const;
const NOT_YOURS = refused("404 no-destination", "you have no such destination of alerts");
const NO_ZONE = refused("422 bad-zone", "quiet hours: expected a time zone such as Europe/Berlin");
const isZone = (quiet: QuietHours | null): boolean => quiet === null || v.is(timeZone, quiet.zone);
const NOT_FOR_YOU = refused(
  "403 not-admin",
  "the pool's own checks are told to administrators only, where it makes them",
);
const DAY_MS = 24 * CODE_MS;
const tooMany = ({ ofUser }: typeof TESTS) =>
  refused(
    "429 too-many",
    "that was sent too often today: try again tomorrow",
    waiting({ name: "messages", most: ofUser, seconds: DAY_MS / 1000 }, DAY_MS),
  );

export function alertRoutes(options: ApiOptions, modules: ApiModules): ApiRoute[] {
  const asking: Asking = (user, of, kind, code) => {
    const nowMs = modules.clock.wallMs();
    const limit = kind === "code" ? CODES : TESTS;
    return askMessage(modules.db, { user, id: of, kind, code }, limit, { nowMs, untilMs: nowMs + CODE_MS });
  };
  return [...destinationRoutes(options, modules, asking), ...messageRoutes(modules, asking)];
}

type Asking = (
  user: string,
  id: bigint,
  kind: "code" | "test",
  code: string,
) => ReturnType<typeof askMessage>;

const PATH = "/api/me/alerts";

function destinationRoutes(
  { alertChannels = [], makesChecks = true }: ApiOptions,
  { db, random }: ApiModules,
  ask: Asking,
): ApiRoute[] {
  const offeredTo = eventsOffered(makesChecks);
  const mayChoose = (user: WebSession["user"], events: readonly AlertEvent[]): boolean =>
    events.every((event) => offeredTo(user).includes(event));
  return [
    userRoute({
      method: "GET",
      path: PATH,
      summary: "Where you are told what happens, and whether the last message arrived",
      reply: "Alerts",
      query: {},
      body: NO_BODY,
      run: async ({ session }) => {
        const destinations = await listDestinations(db, session.user.name);
        const shown: AlertsView = {
          destinations: destinations.map(destinationView),
          most: MOST_DESTINATIONS,
          offered: offeredTo(session.user),
          channels: [...alertChannels],
        };
        return view(shown);
      },
    }),
    userRoute({
      method: "POST",
      path: PATH,
      summary:
        "Add a destination. An address of e-mail is sent a code first, and nothing else before it is confirmed; a webhook's messages are signed by the secret in the answer (Standard Webhooks)",
      reply: "AlertAdded",
      refuses: [
        ...(["403 not-admin", "422 bad-zone", "422 no-channel", "422 bad-target", "422 too-many"] as const),
        "429 too-many",
      ],
      query: {},
      body: v.strictObject({
        kind: about(channelKind, "how it is told; `channels` of the list has those that this pool can"),
        target: field("an address of e-mail or of the internet, or a chat's number", "ann@example.org"),
        secret: v.optional(field("a token of ntfy, or of Telegram's bot; empty for others", ""), ""),
        ...choice,
      }),
      run: async ({ session, body }) => {
        const { kind } = body;
        if (!isZone(body.quiet)) return NO_ZONE;
        if (!mayChoose(session.user, body.events)) return NOT_FOR_YOU;
        if (!alertChannels.includes(kind))
          return refused(
            "422 no-channel",
            "this pool sends no messages of that kind: its operator has not set it up",
          );
        const target = body.target.trim();
        const wrong = wrongTarget(kind, target) ?? wrongSecret(kind, body.secret.trim());
        if (wrong !== undefined) return refused("422 bad-target", wrong);
        const code = kind === "email" ? newCode(random) : null;
        const secret = kind === "webhook" ? webhookSecret(random(WEBHOOK_SECRET_BYTES)) : body.secret.trim();
        const user = session.user.name;
        const added = await addDestination(db, { ...body, user, target, secret }, code);
        if (added === undefined)
          return refused("422 too-many", `there may be ${MOST_DESTINATIONS} destinations: remove one first`);
        if (code !== null && (await ask(user, added, "code", code)) === "too-many") {
          await removeDestination(db, user, added);
          return tooMany(CODES);
        }
        return view({ id: `${added}`, secret: kind === "webhook" ? secret : "" });
      },
    }),
    userRoute({
      method: "PUT",
      path: PATH,
      summary: "Choose what a destination is told, how often, and its quiet hours",
      reply: "Ok",
      refuses: ["403 not-admin", "422 bad-zone", "404 no-destination"],
      query: {},
      body: v.strictObject({ id, ...choice }),
      run: async ({ session, body }) => {
        if (!isZone(body.quiet)) return NO_ZONE;
        if (!mayChoose(session.user, body.events)) return NOT_FOR_YOU;
        return found(await changeDestination(db, session.user.name, body.id, body));
      },
    }),
    userRoute({
      method: "DELETE",
      path: PATH,
      summary: "Remove a destination, with what was to be told there",
      reply: "Ok",
      refuses: ["404 no-destination"],
      query: {},
      body: v.strictObject({ id }),
      run: async ({ session, body }) => found(await removeDestination(db, session.user.name, body.id)),
    }),
  ];
}

function messageRoutes({ db, clock, random }: ApiModules, ask: Asking): ApiRoute[] {
  return [
    userRoute({
      method: "POST",
      path: `${PATH}/test`,
      summary:
        "Send a test, within a minute; what became of it is in the list. A paused destination where it arrives goes on",
      reply: "Ok",
      refuses: ASKED,
      query: {},
      body: v.strictObject({ id }),
      run: async ({ session, body }) => answered(await ask(session.user.name, body.id, "test", ""), TESTS),
    }),
    userRoute({
      method: "POST",
      path: `${PATH}/code`,
      summary: "Send another code to an address of e-mail that is not confirmed",
      reply: "Ok",
      refuses: ASKED,
      query: {},
      body: v.strictObject({ id }),
      run: async ({ session, body }) =>
        answered(await ask(session.user.name, body.id, "code", newCode(random)), CODES),
    }),
    userRoute({
      method: "POST",
      path: `${PATH}/confirm`,
      summary: "Confirm an address of e-mail by the code that was sent there",
      reply: "Ok",
      refuses: ["422 wrong-code"],
      query: {},
      body: v.strictObject({ id, code: field("that was sent", "12345678") }),
      run: async ({ session, body }) => {
        const code = body.code.replace(/\D/g, "");
        if (await confirmDestination(db, session.user.name, body.id, code, clock.wallMs())) return view(OK);
        return refused("422 wrong-code", "that is not the code, or it is too old: ask for another");
      },
    }),
  ];
}

function eventsOffered(makesChecks: boolean): (user: WebSession["user"]) => AlertEvent[] {
  return ({ isAdmin }) =>
    alertEvent.options.filter((event) => (isAdmin && makesChecks) || !OPERATOR_EVENTS.includes(event));
}

function found(isThere: boolean): ApiReply<"404 no-destination"> {
  return isThere ? view(OK) : NOT_YOURS;
}

function answered(
  asked: "asked" | "too-many" | "none",
  limit: typeof TESTS,
): ApiReply<(typeof ASKED)[number]> {
  if (asked === "asked") return view(OK);
  return asked === "none" ? NOT_YOURS : tooMany(limit);
}

/** Eight digits: five guesses of them are nothing. */
function newCode(random: Random): string {
  const [high = 0, low = 0] = new Uint32Array(Uint8Array.from(random(8)).buffer);
  return `${(BigInt(high) * 2n ** 32n + BigInt(low)) % 100_000_000n}`.padStart(8, "0");
}

/** One mailbox, without a name, a comment or anything that begins another line. */
const EMAIL = /^[^\s@<>()[\]\\,;:"]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,63}$/;

function wrongTarget(kind: ChannelKind, target: string): string | undefined {
  switch (kind) {
    case "email":
      return EMAIL.test(target) ? undefined : "expected an address of e-mail such as ann@example.com";
    case "webhook":
    case "discord":
      return wrongUrl(target);
    case "ntfy":
      return (
        wrongUrl(target) ??
        (TOPIC.test(new URL(target).pathname)
          ? undefined
          : "expected an address such as https://ntfy.sh/your-topic")
      );
    case "telegram":
      return CHAT.test(target) ? undefined : "expected the number of a chat, or @channel";
  }
}

const TOPIC = /^\/[-_A-Za-z0-9]{1,64}$/;
const CHAT = /^(-?\d{1,20}|@[A-Za-z]\w{4,31})$/;
const BOT = /^\d{1,20}:[-_A-Za-z0-9]{20,64}$/;
/** It goes into a header. */
const BEARER = /^[-._~+/A-Za-z0-9]*=*$/;

function wrongSecret(kind: ChannelKind, secret: string): string | undefined {
  if (kind === "telegram" && !BOT.test(secret))
    return "expected the bot's token as @BotFather gives it, 123456:ABC…";
  return kind === "ntfy" && !BEARER.test(secret) ? "expected a token of ntfy, tk_…" : undefined;
}

/** The address of a Discord webhook is all that one needs to write there. */
function shownTarget({ kind, target }: AlertDestination): string {
  return kind === "discord" ? target.replace(/[^/]+$/, "…") : target;
}

/** Whether its host is one of the internet is seen when it is dialled. */
function wrongUrl(target: string): string | undefined {
  const url = URL.parse(target);
  if (url === null || !/^https?:$/.test(url.protocol)) return "expected an address that begins with https://";
  if (url.username !== "" || url.password !== "")
    return "expected an address without a user and a password in it";
  return undefined;
}

function destinationView(one: AlertDestination): AlertsView["destinations"][number] {
  const { quietFrom, quietUntil, zone } = one;
  const isFailing = one.failures > 0 && !one.paused;
  return {
    id: `${one.id}`,
    kind: one.kind,
    target: shownTarget(one),
    events: one.events,
    everyMinutes: one.everyMinutes,
    quietUrgent: one.quietUrgent,
    quiet:
      quietFrom === null || quietUntil === null
        ? null
        : { from: timeOf(quietFrom), until: timeOf(quietUntil), zone },
    state: one.confirmed ? (one.paused ? "paused" : "on") : "unconfirmed",
    triedAt: one.triedMs === null ? null : new Date(one.triedMs).toISOString(),
    result: one.result,
    failures: one.failures,
    nextTryAt: isFailing ? new Date(one.waitUntilMs).toISOString() : null,
    due: one.due,
  };
}

function timeOf(minute: number): string {
  const two = (n: number): string => `${n}`.padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
