/** The reference's pages in plain text, as it had them, for clients that do not ask for HTML (prosper-pool web/users.go). */

import type { APIGatewayProxyEventV2 } from "aws-lambda";
import * as v from "valibot";
import { counted } from "../../../shared/counted.ts";
import { listRewards } from "../../../shared/db/listings.ts";
import { onlineWorkers } from "../../../shared/db/online-workers.ts";
import { recentSubmissions } from "../../../shared/db/stats.ts";
import { userBlocks } from "../../../shared/db/user-stats.ts";
import { shortPeg } from "../../../shared/decimal.ts";
import { formatTarget } from "../../../shared/messages/stratum.ts";
import { type HttpReply, textReply } from "../../http.ts";
import { partOf, spanSeconds } from "../figures/estimates.ts";
import { iso, SHORT_WINDOW_MS, windowStart } from "../figures/pool.ts";
import { heightQuery } from "../http/inputs.ts";
import { queryOf } from "../http/request.ts";
import type { WebSession } from "../http/route.ts";
import type { ApiModules } from "../options.ts";

/** The session is looked up only by pages that need one. */
export type TextPageOf = (
  event: APIGatewayProxyEventV2,
  session: () => Promise<WebSession | undefined>,
) => Promise<HttpReply>;

const ROWS = 100;
const SUBMISSION_ROWS = 200;
const NOT_LOGGED_IN = textReply(401, "Error: not logged in\n");

export function textPages(modules: ApiModules): ReadonlyMap<string, TextPageOf> {
  return new Map<string, TextPageOf>([
    ["/whoami", (_, session) => whoAmI(session)],
    ["/user/owed", (_, session) => owed(modules, session)],
    ["/pool/rewards", () => rewards(modules)],
    ["/pool/submissions", (event) => submissions(modules, event)],
    ["/admin/miners", (_, session) => miners(modules, session)],
  ]);
}

type Lookup = () => Promise<WebSession | undefined>;

async function whoAmI(session: Lookup): Promise<HttpReply> {
  const user = (await session())?.user;
  return user === undefined ? NOT_LOGGED_IN : textReply(200, `Hello ${user.name}\n`);
}

async function owed({ db }: ApiModules, session: Lookup): Promise<HttpReply> {
  const user = (await session())?.user;
  if (user === undefined) return NOT_LOGGED_IN;
  const rows = (await userBlocks(db, user.name, ROWS)).filter((row) => row.state === "sealed");
  return lines(`The last ${rows.length} payouts owed to ${user.name}`, rows, (row) => {
    const part = partOf(row.work, row.poolWork ?? 0n);
    return `Height: ${row.height}, PEG: ${shortPeg(row.amount ?? 0n)}, Proportion: ${part}, Shares: ${row.shares}`;
  });
}

async function rewards({ db }: ApiModules): Promise<HttpReply> {
  const rows = await listRewards(db, { column: "job_id", order: "desc", limit: ROWS, offset: 0 });
  return lines(
    `The last ${rows.length} rewards of the pool`,
    rows,
    (row) =>
      `Height: ${row.height}, PEG: ${shortPeg(row.reward)}, Places: ${row.winning}, Fee: ${shortPeg(row.fee)}, HashRate: ${row.rate.toFixed(2)} h/s`,
  );
}

async function submissions({ db }: ApiModules, event: APIGatewayProxyEventV2): Promise<HttpReply> {
  const job = v.safeParse(heightQuery, queryOf(event)["jobid"]);
  if (!job.success) return textReply(400, "jobid: expected a block height\n");
  const which = job.output === undefined ? {} : { height: job.output };
  const rows = await recentSubmissions(db, SUBMISSION_ROWS, which);
  const blocked = rows.filter((row) => row.state === "blocked").length;
  const of = job.output === undefined ? "" : ` of job ${job.output}`;
  return lines(
    `The last ${rows.length} submissions${of}, ${blocked} of them blocked by the limit of the best`,
    rows,
    (row) =>
      `Height: ${row.height}, EntryHash: ${row.entryHash}, Target: ${formatTarget(row.target)}, State: ${row.state}, Time: ${iso(row.atMs)}`,
  );
}

async function miners({ db, clock, live }: ApiModules, session: Lookup): Promise<HttpReply> {
  const user = (await session())?.user;
  if (user === undefined) return NOT_LOGGED_IN;
  if (!user.isAdmin) return textReply(403, "Error: only an administrator may see this\n");
  const nowMs = clock.wallMs();
  const sinceMs = windowStart(nowMs, SHORT_WINDOW_MS);
  const { workers, total } = await onlineWorkers(db, { sinceMs, nowMs, limit: SUBMISSION_ROWS });
  const connections = live === undefined ? "" : `, ${counted(live.connections(), "connection")}`;
  return lines(`${counted(total, "worker")} in the last ten minutes${connections}`, workers, (row) => {
    const rate = Number(row.work) / spanSeconds(nowMs, sinceMs, row.firstMs);
    return `Miner: ${row.user}/${row.worker}, HashRate: ${rate.toFixed(2)} h/s, Shares: ${row.shares}, Refused: ${row.rejected}`;
  });
}

function lines<Row>(title: string, rows: readonly Row[], line: (row: Row) => string): HttpReply {
  return textReply(200, [title, ...rows.map((row) => `\t${line(row)}`), ""].join("\n"));
}
