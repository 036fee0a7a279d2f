/** Which clause of the protocol page explains which difference. Narrow on purpose: what no clause explains fails the replay. */

import { readFileSync } from "node:fs";
import { parseTarget, type StratumMessage } from "../../../shared/messages/stratum.ts";
import { type Difference, recordedId } from "./differences.ts";
import { clientMessages } from "./transcript.ts";

const DUMMY_HASH = "00011111af870a1f49129f9c82d935665d352fffffea3296208f6f7b16faaabc";
const FIRST_TARGET = 0xffff_0000_0000_0000n;

export const CLAUSES: Readonly<Record<string, (difference: Difference) => boolean>> = {
  "D-PARSE": (d) => d.theirs === undefined && errorCode(d.ourMessage) === 32700,
  "D-REQUEST": (d) => d.theirs === undefined && errorCode(d.ourMessage) === 32600,
  "D-ID": (d) => isEchoed(d) && isDummyHash(d),
  "D-METHOD": (d) => errorCode(d.theirMessage) === 32602 && errorCode(d.ourMessage) === 32601,
  "D-OPRHASH": (d) => !isEchoed(d) && isDummyHash(d),
  "D-REASON": (d) =>
    isBareFalse(d.theirMessage) && result(d.ourMessage) === false && errorCode(d.ourMessage) !== undefined,
  "D-SUGGEST": (d) => isExtraTarget(d) && wishes(d).includes(param(d.ourMessage, 0)),
  "D-VARDIFF": (d) =>
    isExtraTarget(d) && !wishes(d).includes(param(d.ourMessage, 0)) && !isRewrittenTarget(d),
  "D-TARGET": (d) =>
    isRewrittenTarget(d) ||
    (d.ours === undefined &&
      isRequest(d.theirMessage, "mining.set_target") &&
      !isCanonical(param(d.theirMessage, 0))),
  "D-PREFIX": (d) => d.theirs === undefined && isRequest(d.ourMessage, "mining.set_nonce"),
  "D-STOP": (d) =>
    (d.theirs === undefined && isRequest(d.ourMessage, "mining.stop_mining")) ||
    (d.theirs === undefined && isRequest(d.ourMessage, "mining.notify")),
  "D-ASSIGNED": (d) => becameTrue(d) && (parseTarget(param(d.request, 4)) ?? FIRST_TARGET) < FIRST_TARGET,
  "D-NOTIFY-SUBSCRIBED": (d) => isMissingNotify(d) && !d.subscribed,
  "D-NOTIFY-ONCE": (d) => isMissingNotify(d) && d.subscribed && height(d.theirMessage) === highest(d),
  "D-NOTIFY-BACK": (d) => isMissingNotify(d) && d.subscribed && height(d.theirMessage) < highest(d),
  "D-LATE": (d) => becameTrue(d) && param(d.request, 3) === param(d.heard.at(-2), 1),
  "D-DUPLICATE": (d) => result(d.theirMessage) === true && errorCode(d.ourMessage) === 32022,
  "D-NONCE-KEPT": (d) =>
    becameTrue(d) &&
    param(d.request, 3) === param(d.heard.at(-1), 1) &&
    submitsOf(d, param(d.request, 2)) > 1,
  "D-CHECK": (d) =>
    d.file === "raw_no_validation" && result(d.theirMessage) === true && errorCode(d.ourMessage) === 32020,
  "D-NAME": loginRefused(/^user name: expected/),
  "D-USER": loginRefused(/^another user needs another connection$/),
  "D-PASSWORD": loginRefused(/^wrong password$/),
  "D-LOGIN": (d) =>
    isRequest(d.request, "mining.submit") &&
    typeof result(d.theirMessage) === "boolean" &&
    errorCode(d.ourMessage) === 32602,
  "D-SUBSCRIBE": (d) => result(d.theirMessage) === true && errorCode(d.ourMessage) === 32025,
  "D-TABLE": (d) =>
    (isRequest(d.request, "mining.subscribe") && entries(d.ourMessage) === entries(d.theirMessage) + 1) ||
    (d.theirs === undefined &&
      isRequest(d.ourMessage, "client.show_message") &&
      param(d.ourMessage, 0).startsWith("this pool's table has 10 bits")),
  "D-FAREWELL": (d) =>
    d.theirs === undefined &&
    isRequest(d.ourMessage, "client.show_message") &&
    param(d.ourMessage, 0) === "a line has at most 4096 bytes",
};

/** The clauses that explain a difference. */
export function explanations(difference: Difference): string[] {
  return Object.entries(CLAUSES)
    .filter(([, explains]) => explains(difference))
    .map(([id]) => id);
}

/** The clause ids of the table of differences in the protocol page, in its order. */
export function documentedClauses(): string[] {
  const page = readFileSync(new URL("../../../shared/messages/STRATUM.md", import.meta.url), "utf8");
  return [...page.matchAll(/^\| (D-[A-Z-]+) *\|/gm)].map((match) => match[1] ?? "");
}

/** A login that is refused here, and the welcome that so does not follow it. */
function loginRefused(reason: RegExp): (difference: Difference) => boolean {
  const refused = (d: Difference | undefined): boolean =>
    d?.ourMessage?.kind === "response" &&
    result(d.theirMessage) === true &&
    d.ourMessage.error?.code === 32010 &&
    reason.test(String(d.ourMessage.error.data));
  return (d) =>
    refused(d) ||
    (d.ours === undefined && isRequest(d.theirMessage, "client.show_message") && refused(d.after));
}

/** The recorded conversations ask this only under ids that are no 32-bit integers. */
function isDummyHash(d: Difference): boolean {
  return (
    isRequest(d.request, "mining.get_oprhash") &&
    result(d.theirMessage) === DUMMY_HASH &&
    d.ours !== undefined
  );
}

/** Answered under the id that it came with, where the recorded server reads another. */
function isEchoed(d: Difference): boolean {
  return (
    d.request?.kind === "request" &&
    d.ourMessage?.kind === "response" &&
    d.ourMessage.id === d.request.id &&
    recordedId(d.request.id) !== d.request.id
  );
}

function isRequest(message: StratumMessage | undefined, method: string): boolean {
  return message?.kind === "request" && message.method === method;
}

function param(message: StratumMessage | undefined, index: number): string {
  return message?.kind === "request" && message.params.kind === "list"
    ? (message.params.values[index] ?? "")
    : "";
}

function result(message: StratumMessage | undefined): unknown {
  return message?.kind === "response" ? message.result : undefined;
}

function errorCode(message: StratumMessage | undefined): number | undefined {
  return message?.kind === "response" ? message.error?.code : undefined;
}

function entries(message: StratumMessage | undefined): number {
  const answer = result(message);
  return Array.isArray(answer) ? answer.length : Number.NaN;
}

function isBareFalse(message: StratumMessage | undefined): boolean {
  return result(message) === false && errorCode(message) === undefined;
}

function becameTrue(d: Difference): boolean {
  return (
    isRequest(d.request, "mining.submit") && isBareFalse(d.theirMessage) && result(d.ourMessage) === true
  );
}

function isExtraTarget(d: Difference): boolean {
  return (
    d.theirs === undefined &&
    isRequest(d.ourMessage, "mining.set_target") &&
    isCanonical(param(d.ourMessage, 0))
  );
}

function isCanonical(target: string): boolean {
  return /^[0-9a-f]{16}$/.test(target);
}

/** Ours, where the recorded server sent the same number in another form just before. */
function isRewrittenTarget(d: Difference): boolean {
  const before = param(d.after?.theirMessage, 0);
  return (
    isExtraTarget(d) &&
    isRequest(d.after?.theirMessage, "mining.set_target") &&
    parseTarget(before.replace(/^0x/, "")) === parseTarget(param(d.ourMessage, 0))
  );
}

function wishes(d: Difference): string[] {
  return clientMessages(d.steps, d.conn)
    .filter((message) => isRequest(message, "mining.suggest_target"))
    .map((message) => param(message, 0));
}

function submitsOf(d: Difference, nonce: string): number {
  return clientMessages(d.steps, d.conn).filter(
    (message) => isRequest(message, "mining.submit") && param(message, 2) === nonce,
  ).length;
}

function isMissingNotify(d: Difference): boolean {
  return d.ours === undefined && isRequest(d.theirMessage, "mining.notify");
}

function height(message: StratumMessage | undefined): number {
  return Number(param(message, 0));
}

function highest(d: Difference): number {
  return Math.max(0, ...d.heard.map(height));
}
