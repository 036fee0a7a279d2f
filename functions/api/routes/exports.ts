/** What a user takes home: its blocks, days, payments and workers as files, CSV for a spreadsheet or JSON for a program. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import type { Clock } from "../../../shared/clock.ts";
import { earningsByDay, moneyMoved } from "../../../shared/db/exports.ts";
import type { Db } from "../../../shared/db/port.ts";
import { userBlocks } from "../../../shared/db/user-stats.ts";
import { workersOf } from "../../../shared/db/worker-status.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import { iso } from "../figures/pool.ts";
import { windowsAt, workerView } from "../figures/workers.ts";
import { csvOf } from "../http/csv.ts";
import { heightQuery } from "../http/inputs.ts";
import { type ApiReply, type ApiRoute, NO_BODY, userRoute } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type {
  blocksExportView,
  earningsExportView,
  paymentsExportView,
  workersExportView,
} from "../views/exports.ts";
import type { ViewName } from "../views/views.ts";

/** Of one answer: what takes some 50 ms to read and write, so that nobody's file makes others wait. The page puts them together. */
const PAGE_ROWS = 500;
/** Each has up to 60 minutes and 24 hours of work to add up. */
const PAGE_WORKERS = 100;
/** Ten years. */
const MOST_DAYS = 3_660;

type RowOf<View extends v.GenericSchema<unknown, { rows: unknown[] }>> = v.InferOutput<View>["rows"][number];

/** `from` is the place of the first row, as this kind of file counts. `next` is the place after the last one, null at the end. */
interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: number | null;
}

const format = v.optional(
  about(v.picklist(["csv", "json"], "csv or json"), "csv for a spreadsheet, json for a program"),
  "csv",
);
const from = about(heightQuery, "where the file before left off: its `next`");

interface Export<Row> {
  readonly name: string;
  readonly reply: ViewName;
  readonly summary: string;
  read(user: string, from: number | undefined): Promise<Page<Row>>;
  /** By title, as a spreadsheet shows them: PEG in whole units, UTC without letters. */
  readonly columns: Readonly<Record<string, (row: Row) => string>>;
}

export function exportRoutes({ db, clock }: ApiModules): ApiRoute[] {
  const route = <Row>(what: Export<Row>): ApiRoute =>
    userRoute({
      method: "GET",
      path: `/api/me/export/${what.name}`,
      summary: `${what.summary}; a header Link says where the rest is`,
      reply: what.reply,
      files: ["text/csv"],
      query: { format, from },
      body: NO_BODY,
      run: async ({ session, query }) => fileOf(what, query, await what.read(session.user.name, query.from)),
    });
  return [
    route(blocksExport(db)),
    route(earningsExport(db)),
    route(paymentsExport(db)),
    route(workersExport(db, clock)),
  ];
}

function fileOf<Row>(
  { name, columns }: Export<Row>,
  { format, from }: { readonly format: "csv" | "json"; readonly from?: number | undefined },
  { rows, next }: Page<Row>,
): ApiReply<never> {
  const part = from === undefined ? "" : `-from-${from}`;
  const headers = {
    "content-disposition": `attachment; filename="prosper-${name}${part}.${format}"`,
    ...(next !== null && { link: `</api/me/export/${name}?format=${format}&from=${next}>; rel="next"` }),
  };
  if (format === "json") return { kind: "view", view: { rows, next }, headers };
  const cells = Object.values(columns);
  const text = csvOf(
    Object.keys(columns),
    rows.map((row) => cells.map((cell) => cell(row))),
  );
  return { kind: "file", type: "text/csv; charset=utf-8", text, headers };
}

const peg = (units: string | null): string => (units === null ? "" : formatPeg(BigInt(units)));
/** 2026-11-29T10:00:00.000Z as spreadsheets read it. */
const utc = (instant: string): string => instant.slice(0, 19).replace("T", " ");

function blocksExport(db: Db): Export<RowOf<typeof blocksExportView>> {
  return {
    name: "blocks",
    reply: "BlocksExport",
    summary: `Own shares and reward of each block, newest first, ${PAGE_ROWS} an answer`,
    async read(user, from) {
      const found = await userBlocks(db, user, PAGE_ROWS, from);
      const rows = found.map(({ height, jobAtMs, state, shares, rejected, work, poolWork, amount }) => ({
        ...{ block: height, began: iso(jobAtMs), state, shares: `${shares}`, refused: `${rejected}` },
        ...{ work: `${work}`, poolWork: poolWork?.toString() ?? null, reward: amount?.toString() ?? null },
      }));
      return { rows, next: found.length < PAGE_ROWS ? null : (found.at(-1)?.height ?? null) };
    },
    columns: {
      Block: (row) => `${row.block}`,
      "Began (UTC)": (row) => utc(row.began),
      State: (row) => row.state,
      Shares: (row) => row.shares,
      Refused: (row) => row.refused,
      "Work (hashes)": (row) => row.work,
      "Work of the pool (hashes)": (row) => row.poolWork ?? "",
      "Reward (PEG)": (row) => peg(row.reward),
    },
  };
}

function earningsExport(db: Db): Export<RowOf<typeof earningsExportView>> {
  return {
    name: "earnings",
    reply: "EarningsExport",
    summary: "What each day brought, newest first: earned, adjusted, paid out",
    async read(user) {
      const days = await earningsByDay(db, user, MOST_DAYS);
      const rows = days.map(({ day, blocks, earned, adjusted, paid }) => ({
        ...{ day, blocks, earned: `${earned}`, adjusted: `${adjusted}`, paid: `${paid}` },
      }));
      return { rows, next: null };
    },
    columns: {
      "Day (UTC)": (row) => row.day,
      Blocks: (row) => `${row.blocks}`,
      "Earned (PEG)": (row) => peg(row.earned),
      "Adjusted (PEG)": (row) => peg(row.adjusted),
      "Paid out (PEG)": (row) => peg(row.paid),
    },
  };
}

function paymentsExport(db: Db): Export<RowOf<typeof paymentsExportView>> {
  return {
    name: "payments",
    reply: "PaymentsExport",
    summary: `What was paid out and adjusted, newest first, ${PAGE_ROWS} an answer`,
    async read(user, from = 0) {
      const moved = await moneyMoved(db, user, { from, limit: PAGE_ROWS });
      const rows = moved.map(({ atMs, kind, amount, address, entryHash, reason }) => ({
        ...{ at: iso(atMs), kind, amount: `${amount}`, address, entry: entryHash, reason },
      }));
      return { rows, next: moved.length < PAGE_ROWS ? null : from + moved.length };
    },
    columns: {
      "When (UTC)": (row) => utc(row.at),
      What: (row) => row.kind,
      "Amount (PEG)": (row) => peg(row.amount),
      Address: (row) => row.address,
      Entry: (row) => row.entry,
      Reason: (row) => row.reason,
    },
  };
}

function workersExport(db: Db, clock: Clock): Export<RowOf<typeof workersExportView>> {
  return {
    name: "workers",
    reply: "WorkersExport",
    summary: `Workers with their hash rates by name, the hidden ones too, ${PAGE_WORKERS} an answer`,
    async read(user, from = 0) {
      const windows = windowsAt(clock.wallMs());
      const page = { search: "", from, limit: PAGE_WORKERS, hasMinutes: false, isByName: true };
      const found = await workersOf(db, user, page, windows);
      const views = found.map((worker) => workerView(worker, windows));
      const rows = views.map((worker) => ({
        ...{ worker: worker.name, kind: worker.kind, hidden: worker.hidden, state: worker.state },
        ...{ hashrateShort: worker.hashrateShort, hashrateLong: worker.hashrateLong },
        ...{ hashrateDay: worker.hashrateDay, shares: worker.shares, refused: worker.rejected },
        ...{ lastShare: worker.lastShare, lastBlock: worker.lastBlock },
      }));
      return { rows, next: found.length < PAGE_WORKERS ? null : from + found.length };
    },
    columns: {
      Worker: (row) => row.worker,
      Kind: (row) => row.kind,
      Hidden: (row) => (row.hidden ? "yes" : "no"),
      State: (row) => row.state,
      "Hash rate 10 min (h/s)": (row) => row.hashrateShort.toFixed(1),
      "Hash rate 1 h (h/s)": (row) => row.hashrateLong.toFixed(1),
      "Hash rate 24 h (h/s)": (row) => row.hashrateDay.toFixed(1),
      "Shares 1 h": (row) => row.shares,
      "Refused 1 h": (row) => row.refused,
      "Last share (UTC)": (row) => utc(row.lastShare),
      "Last block": (row) => `${row.lastBlock}`,
    },
  };
}
