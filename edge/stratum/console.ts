/**
 * The operator's console of the stratum server: each line is a command, and each has one text as its answer. Names are the reference's, with job,
 * setnonce and stopmining added.
 */

import { formatTarget, parseJobId, parseTarget } from "../../shared/messages/stratum.ts";
import type { StratumServer } from "./server.ts";
import type { StratumSession } from "./session.ts";

const HELP = [
  "listclients                            sessions, one a line",
  "getversion SESSION                     ask for the client's version",
  "showmessage SESSION TEXT               show a text to the miner",
  "notify SESSION HEIGHT OPRHASH          announce a job to one miner only",
  "settarget SESSION TARGET               assign a target (hex): a new nonce prefix with it",
  "setnonce SESSION                       move to a new nonce prefix with the same target",
  "stopmining SESSION                     stop until the next job",
  "reconnect SESSION HOST PORT SECONDS    send elsewhere",
].join("\n");

type Command = (server: StratumServer, words: readonly string[]) => string | Promise<string>;

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["help", () => HELP],
  ["listclients", listClients],
  ["listminers", listClients],
  ["getversion", onSession(1, (session) => session.conversation.push("client.get_version", null))],
  [
    "showmessage",
    onSession(2, (session, words) =>
      session.conversation.push("client.show_message", [words.slice(1).join(" ")]),
    ),
  ],
  ["notify", onSession(3, notify)],
  ["settarget", onSession(2, setTarget)],
  ["setnonce", onSession(1, setNonce)],
  ["stopmining", onSession(1, (session) => session.jobs.stop())],
  [
    "reconnect",
    onSession(4, (session, [, host = "", port = "", seconds = ""]) =>
      session.conversation.push("client.reconnect", [host, port, seconds]),
    ),
  ],
]);

/** Runs one line and resolves to what to print ("" = nothing). Never rejects on any text. */
export async function runConsoleCommand(server: StratumServer, line: string): Promise<string> {
  const [name, ...words] = line.trim().split(/\s+/);
  if (name === undefined || name === "") return "";
  const command = COMMANDS.get(name);
  return command === undefined ? `unknown command ${JSON.stringify(name)}\n${HELP}` : command(server, words);
}

function onSession(
  words: number,
  run: (session: StratumSession, words: readonly string[]) => unknown,
): Command {
  return async (server, given) => {
    if (given.length < words) return `expected ${words} words after the command\n${HELP}`;
    const session = server.session(given[0] ?? "");
    if (session === undefined) return `no session ${JSON.stringify(given[0])}: listclients shows them`;
    const text = await run(session, given);
    return typeof text === "string" ? text : "";
  };
}

function listClients(server: StratumServer): string {
  const lines = [...server.sessions()].map((session) => {
    const { current: login } = session.login;
    const { target } = session;
    const who = login === undefined ? "-" : `${login.user},${login.worker}`;
    const told = target === undefined ? "-" : formatTarget(target);
    return `${session.id} ${session.remoteAddress} ${standingOf(session)} ${who} target=${told} agent=${JSON.stringify(session.agent)}`;
  });
  return lines.length === 0 ? "no clients" : lines.join("\n");
}

/** The client may subscribe and log in in either order. */
function standingOf({ login, jobs }: StratumSession): string {
  if (login.current === undefined) return jobs.areHeard ? "subscribed" : "connected";
  return jobs.areHeard ? "authorized" : "named";
}

function notify(
  session: StratumSession,
  [, jobId = "", oprHash = ""]: readonly string[],
): string | undefined {
  const height = parseJobId(jobId);
  if (height === undefined || !/^[0-9a-f]{64}$/.test(oprHash))
    return "expected a block height and 64 lower-case hex digits";
  const sent = session.jobs.announce({ height, oprHash, threshold: 0n, freshFrom: 0 });
  return sent ? undefined : "not sent: the session has had this job or a later one, or has not subscribed";
}

async function setTarget(
  session: StratumSession,
  [, text = ""]: readonly string[],
): Promise<string | undefined> {
  const target = parseTarget(text.replace(/^0x/i, ""));
  if (target === undefined) return "expected a target of at most 16 hex digits";
  return (await session.pairs.assign(target))
    ? undefined
    : "not set: the session has not subscribed, or no prefix is free";
}

async function setNonce(session: StratumSession): Promise<string> {
  const prefix = await session.pairs.move();
  return prefix === undefined
    ? "no prefix: none is free, or the session has not subscribed"
    : `prefix ${prefix}`;
}
