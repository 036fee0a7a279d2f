/** The public page of the pool's status: health, the last block, what the operator tells, and what the canary measured. */

import { lastProbe, type Probe, type ProbeSummary, probeSummary } from "../../../shared/db/canary.ts";
import type { Notice } from "../../../shared/db/notices.ts";
import { lastMarks } from "../../../shared/db/stats.ts";
import { answerOf, type Checks } from "../../../shared/health.ts";
import { iso } from "../figures/pool.ts";
import { cached } from "../http/cache.ts";
import { type ApiRoute, NO_BODY, publicRoute, view } from "../http/route.ts";
import type { ApiModules, ApiOptions } from "../options.ts";
import type { StatusView } from "../views/status.ts";
import { publicNotice } from "./notices.ts";

const SECONDS = 5;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** Where the canary is another deployment's. */
const CANARY_MS = 300_000;

export function statusRoute(
  { canaryMs = CANARY_MS }: ApiOptions,
  modules: ApiModules,
  parts: { readonly notices: () => Promise<Notice[]>; readonly works: () => Promise<Checks> },
): ApiRoute {
  const { db, clock } = modules;
  const gather = cached(clock, SECONDS * 1000, async (): Promise<StatusView> => {
    const nowMs = clock.wallMs();
    const since = (ms: number) => ({ fromMs: nowMs - ms, nowMs, everyMs: canaryMs });
    const [notices, checks, marks, last, day, week] = await Promise.all([
      ...([parts.notices(), parts.works(), lastMarks(db), lastProbe(db)] as const),
      ...([probeSummary(db, since(DAY_MS)), probeSummary(db, since(WEEK_MS))] as const),
    ]);
    // What it saw long ago says nothing of now.
    const canary = last !== undefined && nowMs - last.atMs < DAY_MS ? last : undefined;
    const isStopped = notices.some(({ kind, beginsInMs }) => kind === "maintenance" && beginsInMs <= 0);
    const isWell = answerOf(checks).answer.ok && (canary?.failedAt ?? null) === null;
    return {
      ...{ at: iso(nowMs), checks, notices: notices.map(publicNotice) },
      state: isStopped ? "maintenance" : isWell ? "ok" : "trouble",
      ...{ lastBlock: mark(marks.block), lastWon: mark(marks.won), lastRecord: mark(marks.record) },
      canary: canary === undefined ? null : canaryOf(canary, day),
      uptime: { day: uptimeOf(day), week: uptimeOf(week) },
    };
  });
  return publicRoute({
    method: "GET",
    path: "/api/status",
    keepSeconds: SECONDS,
    summary:
      "How the pool is: its checks, the last blocks, notices, what its own miner measures from outside, its uptime",
    reply: "Status",
    query: {},
    body: NO_BODY,
    run: async () => view(await gather()),
  });
}

function mark(of: { readonly height: number; readonly atMs: number } | undefined): StatusView["lastBlock"] {
  return of === undefined ? null : { height: of.height, at: iso(of.atMs) };
}

type Times = Pick<Probe, "connectMs" | "loginMs" | "jobMs" | "answerMs" | "rowMs">;

function timesOf({ connectMs, loginMs, jobMs, answerMs, rowMs }: Times) {
  return { connect: connectMs, login: loginMs, job: jobMs, answer: answerMs, row: rowMs };
}

function canaryOf(last: Probe, day: ProbeSummary): StatusView["canary"] {
  return { at: iso(last.atMs), failedAt: last.failedAt, last: timesOf(last), usual: timesOf(day) };
}

function uptimeOf({ uptime, firstMs, probes }: ProbeSummary): StatusView["uptime"]["day"] {
  if (uptime === null || firstMs === null) return null;
  return { part: Math.min(1, uptime), since: iso(firstMs), looks: probes };
}
