/** One message of all that is due at a destination: a title, and a line for each event; of a whole farm one line with the number and the first names. */

import type { AlertKind } from "./kinds.ts";

/** One of what is due. */
export interface DueAlert {
  /** The worker, or the check; "" where it is about the user. */
  readonly subject: string;
  /** Grows with each event. */
  readonly version: number;
  readonly atMs: number;
  readonly sinceMs: number | null;
  readonly details: string;
  /** Since the last message. */
  readonly events: number;
  /** Of them together, 1e-8 PEG. */
  readonly amount: bigint;
}

/** All that is due of one kind: how many subjects, and the first of them, in the order that it happened. */
export interface DueKind {
  readonly kind: AlertKind;
  readonly count: number;
  /** When the first one happened or began. */
  readonly firstMs: number;
  readonly first: readonly DueAlert[];
}

export interface AlertMessage {
  /** One line without control characters. */
  readonly title: string;
  readonly lines: readonly string[];
}

/** Of one kind; beyond, one line tells of them all. */
export const EACH = 5;
/** A worker's name is up to 128 characters of the miner's own choice. */
const NAME = 64;

export function composeMessage(poolName: string, user: string, due: readonly DueKind[]): AlertMessage {
  const said = due.map((kind) => describe(kind, poolName));
  return {
    title: plain(`${poolName}: ${said.map(({ head }) => head).join("; ")}`),
    lines: [...said.flatMap(({ lines }) => lines), `You are told this as ${user}.`].map(plain),
  };
}

interface Said {
  readonly head: string;
  readonly lines: readonly string[];
}

function describe(due: DueKind, poolName: string): Said {
  const details = due.first[0]?.details ?? "";
  switch (due.kind) {
    case "offline":
      return rigs(due, "offline", (ms) => `no share since ${utc(ms)}`);
    case "low":
      return rigs(due, "low", (ms) => `clearly under its usual hash rate, noticed ${utc(ms)}`);
    case "recovered":
      return rigs(due, "recovered", (ms) => `as usual again since ${utc(ms)}`);
    case "refused":
      return refused(due);
    case "block":
      return block(due);
    case "payment":
      return payment(due);
    case "login":
      return {
        head: "a login from a new place",
        lines: due.first.map(
          (one) =>
            `Somebody logged in with your password${one.events > 1 ? `, ${one.events} times` : ""} from ${one.details}, an address and a browser not seen before, ${utc(one.atMs)}. If it was not you, change your password.`,
        ),
      };
    case "address":
      return {
        head: "payout address changed",
        lines: due.first.flatMap(changedAddress),
      };
    case "reset":
      return {
        head: "a new password",
        lines: [
          `Somebody asked for a new password of this account. To set one, open the page /login/forgotten of the pool and enter this code within 30 minutes:`,
          details,
          "If it was not you, do nothing: without the code nothing changes. No one of the pool will ask you for it.",
        ],
      };
    case "red":
      return checks(due, "red", (one) => `: ${one.details}`);
    case "mended":
      return checks(due, "in order again", () => ".");
    case "code":
      return {
        head: `your code is ${details}`,
        lines: [
          `The code is ${details}, for one hour: enter it at the pool's page of alerts.`,
          "Somebody there wants alerts of a mining pool sent to this address. If it was not you, do nothing: nothing else will come.",
        ],
      };
    case "test":
      return { head: "a test", lines: [`${poolName} sends alerts here. This one is a test.`] };
  }
}

/** The details: the address and, while nothing is paid to it, until when (Unix seconds) and the code that takes the former one back. */
function changedAddress({ details, atMs }: DueAlert): string[] {
  const [address = "", untilSeconds, code] = details.split(" ");
  const changed = `Your payout address was changed to ${address}, ${utc(atMs)}.`;
  if (untilSeconds === undefined || code === undefined)
    return [`${changed} It is paid to at once. If it was not you, tell the operator.`];
  return [
    `${changed} Nothing is paid to it before ${utc(1000 * Number(untilSeconds))}.`,
    `If it was not you: take the former address back until then, on the page /login/forgotten of the pool, with the code ${code}. Then change your password.`,
  ];
}

function rigs({ count, firstMs, first }: DueKind, state: string, how: (ms: number) => string): Said {
  const names = first.slice(0, EACH).map(({ subject }) => name(subject));
  const head = count === 1 ? `rig ${names[0]} ${state}` : `${count} rigs ${state}`;
  if (count > EACH)
    return {
      head,
      lines: [
        `${count} rigs ${state}: ${names.join(", ")} and ${count - EACH} more; the first: ${how(firstMs)}.`,
      ],
    };
  const lines = first.map((one, i) => `Rig ${names[i]} ${state}: ${how(one.sinceMs ?? one.atMs)}.`);
  return { head, lines };
}

function refused({ count, first }: DueKind): Said {
  const lines = first.map(
    (one) => `Rig ${name(one.subject)}: ${one.details} shares of the last hours were refused.`,
  );
  const head =
    count === 1
      ? `shares of rig ${name(first[0]?.subject ?? "")} are refused`
      : `shares of ${count} rigs are refused`;
  return { head, lines: count > EACH ? [...lines, `And of ${count - EACH} more rigs.`] : lines };
}

/** Of the pool's doctor. */
function checks({ count, first }: DueKind, state: string, more: (one: DueAlert) => string): Said {
  const lines = first.map(
    (one) => `Check ${one.subject}: ${state} since ${utc(one.sinceMs ?? one.atMs)}${more(one)}`,
  );
  return {
    head: count === 1 ? `check ${first[0]?.subject} ${state}` : `${count} checks ${state}`,
    lines:
      count > EACH ? [...lines, `And ${count - EACH} more checks: the pool's cockpit names them.`] : lines,
  };
}

function block({ first: [one] }: DueKind): Said {
  if (one === undefined) return { head: "", lines: [] };
  const part = `your part ${peg(one.amount)} PEG`;
  if (one.events === 1)
    return { head: `block ${one.details} won`, lines: [`Block ${one.details} was won: ${part}.`] };
  return {
    head: `${one.events} blocks won`,
    lines: [`${one.events} blocks were won, the last one ${one.details}: ${part} of them together.`],
  };
}

function payment({ first: [one] }: DueKind): Said {
  if (one === undefined) return { head: "", lines: [] };
  const many = one.events === 1 ? "" : `, in ${one.events} payments`;
  return {
    head: `${peg(one.amount)} PEG paid`,
    lines: [`${peg(one.amount)} PEG were paid to you${many}. Entry: ${one.details}.`],
  };
}

/** 1e-8 PEG as PEG. */
function peg(amount: bigint): string {
  const digits = `${amount}`.padStart(9, "0");
  return `${digits.slice(0, -8)}.${digits.slice(-8)}`.replace(/\.?0+$/, "");
}

function name(worker: string): string {
  if (worker === "") return "(without a name)";
  return worker.length > NAME ? `${worker.slice(0, NAME)}…` : worker;
}

function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A name may hold what would begin a new header, or a new line. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}
