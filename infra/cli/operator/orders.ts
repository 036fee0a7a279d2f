/** `prosper bar`, `unbar`, `bars`, `announce`, `maintenance`, `notices`: what an operator orders, straight in the database (docs/design.md, "Operator's orders"). */

import { type BarListing, bar, liftBar, listBars } from "../../../shared/db/bars.ts";
import { endNotice, giveNotice, type Notice, standingNotices } from "../../../shared/db/notices.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import {
  ADDRESS_FORM,
  type BarKind,
  MOST_BARS,
  MOST_NOTICES,
  parseBarredAddress,
  parseWords,
  utcMinute,
  WORDS_FORM,
} from "../../../shared/operator/orders.ts";
import type { Print } from "../output.ts";

/** As the administrators' log names who it was. */
const ACTOR = "command line";
const LISTED = 200;

interface Modules {
  readonly db: Db;
  readonly print: Print;
}

export interface BarFlags {
  readonly reason: string;
  /** Undefined: until it is lifted. */
  readonly for?: number;
  readonly all?: boolean;
}

/** A text that is an address is one: no user name has its form by chance, and a user can be named with `user:`. */
function parseSubject(text: string): { kind: BarKind; subject: string } {
  if (text.startsWith("user:")) return { kind: "user", subject: text.slice(5) };
  const address = parseBarredAddress(text);
  if (address !== undefined) return { kind: "address", subject: address };
  if (/^[0-9.:a-f]+\/\d+$/i.test(text)) throw new CodedError("bar-address", `${text}: ${ADDRESS_FORM}`);
  return { kind: "user", subject: text };
}

/** Throws CodedErrors `bar-…`: nothing was changed. */
export async function barCommand(who: string, flags: BarFlags, { db, print }: Modules): Promise<void> {
  const { kind, subject } = parseSubject(who);
  const reason = parseWords(flags.reason);
  if (reason === undefined) throw new CodedError("bar-reason", `--reason: ${WORDS_FORM}`);
  const scope = flags.all === true ? "all" : "mining";
  const result = await bar(db, { kind, subject, scope, reason, forMs: flags.for, by: ACTOR });
  switch (result.outcome) {
    case "barred": {
      const { untilMs } = result.bar;
      const what = scope === "all" ? "may neither mine nor log in" : "may not mine";
      const until = untilMs === null ? "until `prosper unbar`" : `until ${utcMinute(untilMs)}`;
      print(`${subject} ${what} ${until}: ${reason}. What is owed stays owed.`, {
        ...{
          event: "barred",
          kind,
          subject,
          scope,
          reason,
          until: untilMs && new Date(untilMs).toISOString(),
        },
      });
      return;
    }
    case "unknown-user":
      throw new CodedError("bar-user", `there is no user ${subject}`);
    case "administrator":
      throw new CodedError("bar-user", `${subject} is an administrator, who cannot be barred`);
    case "full":
      throw new CodedError("bar-full", `${MOST_BARS} bars stand already: lift some, or bar a range`);
  }
}

/** Throws CodedError `bar-none`. */
export async function unbarCommand(who: string, { db, print }: Modules): Promise<void> {
  const { kind, subject } = parseSubject(who);
  if (!(await liftBar(db, { kind, subject, by: ACTOR })))
    throw new CodedError("bar-none", `${subject} is not barred (\`prosper bars\` lists who is)`);
  print(`${subject} may come back.`, { event: "lifted", kind, subject });
}

export async function barsCommand({ db, print }: Modules): Promise<void> {
  const rows = (await listBars(db, LISTED)).filter(({ stands }) => stands);
  if (rows.length === 0) print("Nobody is barred.", { event: "bars", bars: 0 });
  for (const row of rows) print(barLine(row), { event: "bar", ...facts(row) });
}

function barLine({ subject, scope, reason, untilMs, madeBy }: BarListing): string {
  const until = untilMs === null ? "without an end" : `until ${utcMinute(untilMs)}`;
  return `${subject}: may not ${scope === "all" ? "mine or log in" : "mine"}, ${until}: ${reason} (by ${madeBy})`;
}

function facts({ kind, subject, scope, reason, untilMs, madeBy, atMs }: BarListing): Record<string, unknown> {
  const until = untilMs === null ? null : new Date(untilMs).toISOString();
  return { kind, subject, scope, reason, until, madeBy, at: new Date(atMs).toISOString() };
}

export interface NoticeTimes {
  /** Milliseconds from now. */
  readonly in?: number;
  readonly for: number;
}

/** Throws CodedErrors `notice-…`: nothing was changed. */
export async function noticeCommand(
  kind: Notice["kind"],
  text: string,
  times: NoticeTimes,
  { db, print }: Modules,
): Promise<void> {
  const words = parseWords(text);
  if (words === undefined) throw new CodedError("notice-words", WORDS_FORM);
  const made = await giveNotice(db, { kind, words, inMs: times.in ?? 0, forMs: times.for, by: ACTOR });
  if (made === undefined)
    throw new CodedError(
      "notice-full",
      `${MOST_NOTICES} notices stand already: end one (\`prosper notices\`)`,
    );
  print(noticeLine(made), { event: "notice", ...noticeFacts(made) });
}

export async function noticesCommand({ db, print }: Modules): Promise<void> {
  const standing = await standingNotices(db);
  if (standing.length === 0) print("Nothing is told.", { event: "notices", notices: 0 });
  for (const notice of standing) print(noticeLine(notice), { event: "notice", ...noticeFacts(notice) });
}

/** Ends the notice of this number, or the maintenance that stands. Throws CodedError `notice-none`. */
export async function endNoticeCommand(id: string | undefined, { db, print }: Modules): Promise<void> {
  const standing = await standingNotices(db);
  const found = standing.find((notice) =>
    id === undefined ? notice.kind === "maintenance" : `${notice.id}` === id,
  );
  if (found === undefined || !(await endNotice(db, found.id, ACTOR)))
    throw new CodedError(
      "notice-none",
      id === undefined ? "there is no maintenance" : `there is no notice ${id}`,
    );
  const after = found.kind === "maintenance" ? " Miners go on within seconds." : "";
  print(`Ended ${found.kind} ${found.id}.${after}`, {
    event: "notice-ended",
    id: found.id,
    kind: found.kind,
  });
}

function noticeLine({ id, kind, words, beginsAtMs, untilMs }: Notice): string {
  return `${id} ${kind} from ${utcMinute(beginsAtMs)} until ${utcMinute(untilMs)}: ${words}`;
}

function noticeFacts({ id, kind, words, beginsAtMs, untilMs, madeBy }: Notice): Record<string, unknown> {
  const [beginsAt, until] = [beginsAtMs, untilMs].map((ms) => new Date(ms).toISOString());
  return { id, kind, words, beginsAt, until, madeBy };
}
