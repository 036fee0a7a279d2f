/** The api function: REST, JSON-RPC and the pages, for API Gateway or a function URL and for the web server in the same process. */

import middy from "@middy/core";
import httpRouter from "@middy/http-router";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { isResuming } from "../../shared/db/drivers/data-api-errors.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { minerFileReply } from "../dashboard/miner-file.ts";
import { notFoundPage, pageRoutes, wantsHtml } from "../dashboard/pages.ts";
import { errorReply, type HttpReply, jsonReply, textReply } from "../http.ts";
import { createFigures } from "./figures/figures.ts";
import { createCors, sharedPaths } from "./http/cors.ts";
import { etagOf, pack } from "./http/pack.ts";
import { isPathOf } from "./http/path.ts";
import { partsOf } from "./http/refusals.ts";
import { admit, bodyText, isHttps, sessionOf } from "./http/request.ts";
import type { ApiReply, ApiRoute } from "./http/route.ts";
import { openApiDocument } from "./openapi.ts";
import type { ApiModules, ApiOptions } from "./options.ts";
import { accessRoutes } from "./routes/access.ts";
import { accountRoutes } from "./routes/account.ts";
import { adminRoutes } from "./routes/admin.ts";
import { alertRoutes } from "./routes/alerts.ts";
import { archiveRoutes } from "./routes/archive.ts";
import { barRoutes } from "./routes/bars.ts";
import { connectionRoutes } from "./routes/connection.ts";
import { doctorRoutes } from "./routes/doctor.ts";
import { earningsRoutes } from "./routes/earnings.ts";
import { exportRoutes } from "./routes/exports.ts";
import { healthRoutes, poolHealth } from "./routes/health.ts";
import { createJsonRpc } from "./routes/json-rpc.ts";
import { moneyRoutes } from "./routes/money.ts";
import { noticeRoutes, publicNotices } from "./routes/notices.ts";
import { paydayRoutes } from "./routes/payday.ts";
import { poolRoutes } from "./routes/pool.ts";
import { proofRoutes } from "./routes/proof.ts";
import { publicMinerRoutes } from "./routes/public-miners.ts";
import { recoveryRoutes } from "./routes/recovery.ts";
import { refusedRoute } from "./routes/refused.ts";
import { rootRoutes } from "./routes/roots.ts";
import { statusRoute } from "./routes/status.ts";
import { storyRoute } from "./routes/story.ts";
import { textPages } from "./routes/text-pages.ts";
import { withholdingRoute } from "./routes/withholding.ts";

export type HttpHandler = middy.MiddyfiedHandler<APIGatewayProxyEventV2, HttpReply>;

const DOCUMENT_PATH = "/api/openapi.json";
/** The description of the API changes with the program only. */
const DOCUMENT_SECONDS = 60;
const PRIVATE = { "cache-control": "private, no-store" };

/** One entry of the router. */
export interface HttpRoute {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly handler: (event: APIGatewayProxyEventV2) => Promise<HttpReply>;
}

/** The REST routes; the OpenAPI document is made from them. */
export function apiRoutes(options: ApiOptions, modules: ApiModules): ApiRoute[] {
  const figures = modules.figures ?? createFigures(options, modules);
  const notices = publicNotices(modules);
  const health = poolHealth(modules);
  return [
    ...poolRoutes(options, modules, figures.pool),
    ...healthRoutes(modules, health),
    statusRoute(options, modules, { notices, works: health.works }),
    ...accountRoutes(modules, figures.user, notices),
    ...accessRoutes(modules),
    ...recoveryRoutes(options, modules),
    ...earningsRoutes(options, modules),
    refusedRoute(modules),
    storyRoute(modules),
    ...publicMinerRoutes(modules),
    ...exportRoutes(modules),
    ...alertRoutes(options, modules),
    ...connectionRoutes(modules),
    ...archiveRoutes(modules),
    ...rootRoutes(modules),
    ...proofRoutes(options, modules),
    ...adminRoutes(modules),
    ...moneyRoutes(options, modules),
    withholdingRoute(modules),
    ...doctorRoutes(modules),
    ...barRoutes(modules),
    ...noticeRoutes(modules, notices),
    ...paydayRoutes(options, modules),
  ];
}

/** Takes API Gateway events of version 2 (also those of function URLs). Never rejects: failures are answers. */
export function createApiHandler(options: ApiOptions, modules: ApiModules): HttpHandler {
  const described = apiRoutes(options, modules);
  const routes = allRoutes(options, modules, described);
  const dispatch = httpRouter<APIGatewayProxyEventV2, HttpReply>({
    routes,
    notFoundResponse: ({ path }) => notFound(routes, path),
  });
  const cors = createCors(options.corsOrigins ?? [], [...sharedPaths(described), DOCUMENT_PATH]);
  return middy<APIGatewayProxyEventV2, HttpReply>(
    async (event: APIGatewayProxyEventV2, context: Context) =>
      cors.preflight(event) ?? pack(event, cors.allow(event, await dispatch(event, context))),
  ).onError((request) => {
    request.response = cors.allow(request.event, failure(coerceError(request.error), modules.logger));
  });
}

function allRoutes(options: ApiOptions, modules: ApiModules, routes: readonly ApiRoute[]): HttpRoute[] {
  const { assets } = modules;
  let document: string | undefined;
  const rpc = createJsonRpc(modules);
  const texts = textPages(modules);
  const found: HttpRoute[] = [
    ...routes.map(
      (route): HttpRoute => ({
        method: route.method,
        path: route.path,
        handler: (event) => runRoute(route, event, modules),
      }),
    ),
    {
      method: "GET",
      path: DOCUMENT_PATH,
      handler: async () => {
        // Few ask for it, and a function that starts has better to do.
        document ??= JSON.stringify(openApiDocument(options, routes));
        return withCache(jsonReply(200, document), DOCUMENT_SECONDS);
      },
    },
    { method: "POST", path: "/api/v1", handler: (event) => answerRpc(rpc, event) },
    ...pageRoutes(options, assets, async (event, path) => {
      const session = () => sessionOf(event, isHttps(event), modules.accounts);
      return texts.get(path)?.(event, session);
    }),
  ];
  const nothing = notFoundPage(options, assets);
  return [
    ...found,
    {
      method: "GET",
      path: "/{proxy+}",
      handler: async (event) =>
        minerFileReply(event.rawPath, assets.miner) ??
        (wantsHtml(event) ? nothing : notFound(found, event.rawPath)),
    },
  ];
}

async function runRoute(
  route: ApiRoute,
  event: APIGatewayProxyEventV2,
  modules: ApiModules,
): Promise<HttpReply> {
  const admitted = await admit(event, route, modules.accounts);
  return httpReply(route, admitted.ok ? await route.run(admitted.request) : admitted.reply);
}

function httpReply(route: ApiRoute, reply: ApiReply): HttpReply {
  if (reply.kind === "refused") {
    const { status, code } = partsOf(reply.as);
    const refusal = errorReply(status, code, reply.message);
    return { ...refusal, headers: { ...refusal.headers, ...reply.headers } };
  }
  if (reply.kind === "file") {
    const plain = textReply(200, reply.text);
    return {
      ...plain,
      headers: { ...plain.headers, ...PRIVATE, "content-type": reply.type, ...reply.headers },
    };
  }
  const status = reply.status ?? 200;
  const made = jsonReply(status, JSON.stringify(reply.view), reply.cookies);
  const answer = { ...made, headers: { ...made.headers, ...reply.headers } };
  if (route.method !== "GET" || status !== 200) return answer;
  const named = {
    ...answer,
    headers: { ...answer.headers, etag: etagOf(JSON.stringify(lasting(reply.view))) },
  };
  return route.keepSeconds === undefined ? named : withCache(named, route.keepSeconds);
}

/** Without the moment it was made: what else is the same has not changed. */
function lasting(view: unknown): unknown {
  if (typeof view !== "object" || view === null || !("at" in view)) return view;
  const { at: _, ...rest } = view;
  return rest;
}

/** Any cache may keep it for so long. */
function withCache(reply: HttpReply, seconds: number): HttpReply {
  return { ...reply, headers: { ...reply.headers, "cache-control": `public, max-age=${seconds}` } };
}

async function answerRpc(
  rpc: (body: string) => Promise<string | undefined>,
  event: APIGatewayProxyEventV2,
): Promise<HttpReply> {
  const body = bodyText(event);
  if (body === undefined) return errorReply(413, "too-large", "the body is too large");
  const answer = await rpc(body);
  return answer === undefined ? { statusCode: 204 } : jsonReply(200, answer);
}

function notFound(routes: readonly HttpRoute[], path: string): HttpReply {
  const methods = routes.filter((route) => isPathOf(route.path, path)).map((route) => route.method);
  if (methods.length === 0) return errorReply(404, "not-found", "there is nothing at this address");
  const reply = errorReply(405, "wrong-method", `this address takes ${methods.join(", ")}`);
  return { ...reply, headers: { ...reply.headers, allow: methods.join(", ") } };
}

/** When the database or auth is away: 503, to be tried again. Anything else is a bug, and only the log gets the details. */
function failure(error: Error, logger: Logger): HttpReply {
  if (error instanceof CodedError && (error.code === "db-away" || error.code === "auth-away")) {
    logger.warn("a request could not be answered", { code: error.code, error: error.message });
    const reply = isResuming(error.cause)
      ? errorReply(503, "db-waking", "the pool's database was asleep and wakes up: it takes some 15 seconds")
      : errorReply(503, error.code, "the pool's database or login is away: try again in a moment");
    return { ...reply, headers: { ...reply.headers, "retry-after": "5" } };
  }
  logger.error("a request failed", { error: error.message, stack: error.stack });
  return errorReply(500, "failed", "this went wrong on our side; the operator's log says why");
}
