/** What an edge knows at this moment, for the dashboard. */

import type { Edge } from "../../edge/edge.ts";
import type { StratumSession } from "../../edge/stratum/session.ts";
import type { Live, StratumConnection } from "../../functions/api/live.ts";

/** Of the edge in the same process. */
export function liveOf(edge: Edge): Live {
  return {
    minute: () => edge.minutes.minute(),
    height: () => edge.follower.topHeight(),
    stalledMs: () => edge.stall.stalledMs(),
    connections: () => edge.stratum.stats().connections,
    submitSync: () => ({
      submitting: !edge.minutes.isSaving(),
      submitHeight: (edge.follower.topHeight() ?? -1) + 1,
      syncing: edge.minutes.minute() !== undefined,
      lastNonZeroHeight: edge.follower.topHeight() ?? 0,
    }),
    sessions: async () => sessionsOf(edge),
  };
}

/** Its connections, as the operator sees them. */
export function sessionsOf(edge: Edge): StratumConnection[] {
  return [...edge.stratum.sessions()].map(liveSession);
}

function liveSession(session: StratumSession): StratumConnection {
  const { current: login } = session.login;
  return {
    id: session.id,
    user: login?.user ?? null,
    worker: login?.worker ?? null,
    agent: session.agent,
    address: session.remoteAddress,
    subscribed: session.jobs.areHeard,
    authorized: login !== undefined,
    target: session.target ?? null,
    noncePrefix: session.prefix ?? null,
  };
}
