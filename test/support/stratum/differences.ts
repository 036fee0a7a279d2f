/** What our server said against what the recorded one said: lines are paired in order, and each pair or odd line out is a difference or none. */

import { parseStratumLine, type StratumId, type StratumMessage } from "../../../shared/messages/stratum.ts";
import type { Replayed } from "./replay.ts";
import { clientMessages, type Step } from "./transcript.ts";

export interface Difference {
  readonly file: string;
  readonly conn: number;
  /** The recorded line, and ours; undefined = that side has none. */
  readonly theirs: string | undefined;
  readonly ours: string | undefined;
  readonly theirMessage: StratumMessage | undefined;
  readonly ourMessage: StratumMessage | undefined;
  /** For an answer: the request as the client sent it. */
  readonly request: StratumMessage | undefined;
  /** Notifies of this connection before this line, as recorded. */
  readonly heard: readonly StratumMessage[];
  /** Whether the connection had subscribed before this line, as recorded. */
  readonly subscribed: boolean;
  /** The difference right before this one, when nothing equal stands between. */
  readonly after: Difference | undefined;
  readonly steps: readonly Step[];
}

interface Line {
  readonly raw: string;
  readonly message: StratumMessage;
  /** What must be equal for two lines to be the same line. */
  readonly key: string;
  readonly normal: string;
}

/** All differences of one transcript, and how many recorded lines were compared. */
export function findDifferences(
  file: string,
  steps: readonly Step[],
  recovered: Replayed,
): { differences: Difference[]; compared: number } {
  const differences: Difference[] = [];
  let compared = 0;
  for (const [conn, lines] of recovered) {
    const theirs = keyed(
      steps.flatMap((step) => (step.kind === "server" && step.conn === conn ? [step.line] : [])),
    );
    const requests = requestsById(clientMessages(steps, conn));
    const heard: StratumMessage[] = [];
    let subscribed = false;
    let after: Difference | undefined;
    compared += theirs.length;
    for (const [their, our] of align(theirs, keyed([...lines]))) {
      const differs = their?.normal !== our?.normal;
      after = differs
        ? {
            file,
            conn,
            theirs: their?.raw,
            ours: our?.raw,
            theirMessage: their?.message,
            ourMessage: our?.message,
            request: requests.get((their ?? our)?.key ?? ""),
            heard: [...heard],
            subscribed,
            after,
            steps,
          }
        : undefined;
      if (after !== undefined) differences.push(after);
      if (their?.message.kind === "request" && their.message.method === "mining.notify")
        heard.push(their.message);
      if (their?.raw.includes('"type":"mining.set_nonce"')) subscribed = true;
    }
  }
  return { differences, compared };
}

/** Answers are known by their request's id (its how-manieth use), requests of the server by what they ask. */
function keyed(lines: readonly string[]): Line[] {
  const uses = new Map<number, number>();
  return lines.map((raw) => {
    const message = parseStratumLine(raw);
    if (message.kind === "request") {
      const normal = raw.replace(/^\{"id":\d+,/, '{"id":0,');
      return { raw, message, key: normal, normal };
    }
    const id = message.kind === "response" ? recordedId(message.id) : -1;
    const use = (uses.get(id) ?? 0) + 1;
    if (!raw.startsWith('{"id":null,')) uses.set(id, use);
    const normal = raw.replaceAll(/"id":"[0-9a-f]{32}"/g, '"id":"SESSION"');
    return { raw, message, key: raw.startsWith('{"id":null,') ? `null ${raw}` : `${id} ${use}`, normal };
  });
}

/** The id as the recorded server read it, and so answered. */
export function recordedId(id: StratumId): number {
  return typeof id === "number" && Math.abs(id) < 2 ** 31 ? id : 0;
}

function requestsById(messages: readonly StratumMessage[]): Map<string, StratumMessage> {
  const uses = new Map<number, number>();
  const found = new Map<string, StratumMessage>();
  for (const message of messages) {
    if (message.kind !== "request") continue;
    const id = recordedId(message.id);
    const use = (uses.get(id) ?? 0) + 1;
    uses.set(id, use);
    found.set(`${id} ${use}`, message);
  }
  return found;
}

/** The longest common subsequence by key; what is left over stands alone. */
function align(theirs: readonly Line[], ours: readonly Line[]): [Line | undefined, Line | undefined][] {
  const length = theirs.map(() => new Array<number>(ours.length + 1).fill(0));
  length.push(new Array<number>(ours.length + 1).fill(0));
  const at = (i: number, j: number): number => length[i]?.[j] ?? 0;
  for (let i = theirs.length - 1; i >= 0; i--)
    for (let j = ours.length - 1; j >= 0; j--) {
      const row = length[i];
      if (row === undefined) continue;
      row[j] = theirs[i]?.key === ours[j]?.key ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const pairs: [Line | undefined, Line | undefined][] = [];
  let i = 0;
  let j = 0;
  while (i < theirs.length || j < ours.length) {
    if (i < theirs.length && j < ours.length && theirs[i]?.key === ours[j]?.key) {
      pairs.push([theirs[i], ours[j]]);
      i += 1;
      j += 1;
    } else if (j >= ours.length || (i < theirs.length && at(i + 1, j) >= at(i, j + 1))) {
      pairs.push([theirs[i], undefined]);
      i += 1;
    } else {
      pairs.push([undefined, ours[j]]);
      j += 1;
    }
  }
  return pairs;
}
