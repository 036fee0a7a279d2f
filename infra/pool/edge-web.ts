/** The web of an edge whose pages are elsewhere: its health and its metrics, for the container's check, the balancer and Prometheus. */

import { errorReply, type HttpReply, jsonReply } from "../../functions/http.ts";
import { answerOf, type Checks, type Health } from "../../shared/health.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";
import { startWeb, type Web, type WebModules } from "./web.ts";

/** Throws CodedError `web-port`. */
export function startEdgeWeb(
  { web }: Config,
  modules: {
    readonly health: Health;
    readonly metrics: NonNullable<WebModules["metrics"]>;
    readonly logger: Logger;
  },
): Promise<Web> {
  const { health, metrics, logger } = modules;
  const questions: ReadonlyMap<string, () => Checks> = new Map([
    ["/livez", () => health.live()],
    ["/readyz", () => health.ready()],
    ["/healthz", () => health.works()],
  ]);
  return startWeb(
    { host: web.host, port: web.port },
    {
      logger,
      metrics,
      handler: async ({ rawPath }) => reply(questions.get(rawPath)),
    },
  );
}

function reply(question: (() => Checks) | undefined): HttpReply {
  if (question === undefined)
    return errorReply(404, "not-found", "this edge has no pages: /livez, /readyz, /healthz, /metrics");
  const { status, answer } = answerOf(question());
  return jsonReply(status, JSON.stringify(answer));
}
