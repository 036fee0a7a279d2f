/** What the miner's screen says, line by line, by the room there is. */

import type { MinerStats, Verdict } from "../../../edge/miner/miner-stats.ts";
import type { Rates } from "../../../edge/miner/rates.ts";
import { hostAndPort } from "../../../edge/stratum/listen-on.ts";
import { assignedWork } from "../../../shared/difficulty/work.ts";
import { hashrateText, owedText, refusedText } from "./miner-view.ts";
import type { MinerFacts } from "./xmrig-views.ts";

export interface ScreenLine {
  readonly text: string;
  readonly style?: "strong" | "faint" | "bad";
}

export interface ScreenFacts extends MinerFacts {
  /** How long this block is being mined. */
  readonly blockMs: number;
  /** What the pool and the miner have said, oldest first. */
  readonly messages: readonly string[];
}

const KEYS = "h hash rates   p pause   r resume   q quit";
const MOST_VERDICTS = 5;
/** All but threads, verdicts and messages. */
const FIXED_ROWS = 13;
const COLUMN = 13;
const TITLES = ["10 s", "60 s", "15 min", "highest"];

/** At most `rows` lines, the keys last. Where there is little room, it is the rest of the threads, older verdicts and messages that are left out. */
export function screenLines(facts: ScreenFacts, rows: number): ScreenLine[] {
  const { stats } = facts;
  const { host, port, tls, user, worker } = stats.pool;
  const room = Math.max(0, rows - FIXED_ROWS);
  const threads = threadLines(stats.threads, facts.uptimeMs, Math.max(1, Math.floor(room / 2)));
  const verdicts = newest(stats.verdicts, Math.min(MOST_VERDICTS, room - threads.length)).toReversed();
  const messages = newest(facts.messages, room - threads.length - verdicts.length);
  const lines: ScreenLine[] = [
    {
      text: `prosper-miner ${facts.version}   ${user} / ${worker}   ${hostAndPort(host, port)}${tls ? " by TLS" : ""}   up ${span(facts.uptimeMs)}`,
      style: "strong",
    },
    { text: "" },
    stateLine(facts),
    { text: "" },
    {
      text: `${"Hash rate".padEnd(COLUMN)}${TITLES.map((title) => title.padStart(COLUMN)).join("")}`,
      style: "faint",
    },
    { text: rateLine("all", stats.rates, facts.uptimeMs) },
    ...threads,
    { text: "" },
    { text: `Shares       accepted ${stats.accepted} · rejected ${refusedText(stats)} · lost ${stats.lost}` },
    {
      text: `             one in ${hashes(stats.target, stats)} hashes, the best one in ${hashes(stats.best[0], stats)}`,
    },
    {
      text: `Answers      ${stats.answerMs === undefined ? "none yet" : `the last one after ${Math.round(stats.answerMs)} ms`}`,
    },
    ...verdicts.map(verdictLine),
    ...(facts.account === undefined ? [] : [{ text: `Owed         ${owedText(facts.account)}` }]),
    { text: "" },
    ...messages.map((text) => ({ text })),
  ];
  return [...lines.slice(0, rows - 1), { text: KEYS, style: "faint" }];
}

function newest<Item>(items: readonly Item[], most: number): readonly Item[] {
  return items.slice(Math.max(0, items.length - Math.max(0, most)));
}

function stateLine({ stats, blockMs }: ScreenFacts): ScreenLine {
  if (!stats.authorized)
    return { text: stats.connected ? "Logging in" : "Not connected: trying again", style: "bad" };
  const { height } = stats;
  const what =
    height === undefined ? "Waiting for the next block" : `Block ${number(height)}, for ${span(blockMs)}`;
  return stats.paused ? { text: `Paused by you. ${what}`, style: "bad" } : { text: what };
}

function threadLines(threads: readonly Rates[], uptimeMs: number, room: number): ScreenLine[] {
  const shown = threads.length <= room ? threads : threads.slice(0, room - 1);
  const lines = shown.map((rates, thread) => ({ text: rateLine(`thread ${thread + 1}`, rates, uptimeMs) }));
  const more = threads.length - shown.length;
  return more === 0 ? lines : [...lines, { text: `${more} more`, style: "faint" }];
}

function rateLine(
  name: string,
  { tenSeconds, minute, quarterHour, highest }: Rates,
  uptimeMs: number,
): string {
  const known = [tenSeconds, uptimeMs < 60_000 ? 0 : minute, uptimeMs < 900_000 ? 0 : quarterHour, highest];
  const cells = known.map((rate) => (rate === 0 ? "–" : hashrateText(rate)).padStart(COLUMN));
  return `${name.padEnd(COLUMN)}${cells.join("")}`;
}

function verdictLine({ answer, difficulty, height, ms }: Verdict): ScreenLine {
  const isAccepted = answer === "accepted";
  const text = `             ${answer}, block ${number(height)}, one in ${number(assignedWork(difficulty))} hashes, after ${Math.round(ms)} ms`;
  return isAccepted ? { text } : { text, style: "bad" };
}

function hashes(target: bigint | undefined, { authorized }: MinerStats): string {
  return target === undefined || !authorized ? "–" : number(assignedWork(target));
}

function number(count: bigint | number): string {
  return count.toLocaleString("en-US");
}

/** `1:02:03` */
function span(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (part: number): string => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours === 0 ? `${minutes}:${two(seconds % 60)}` : `${hours}:${two(minutes)}:${two(seconds % 60)}`;
}
