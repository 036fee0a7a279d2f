/**
 * Pages of other sites that may read the API in a browser: what is public, and with a script's token what that reads. Never by a cookie: none is
 * allowed along, and a session is not looked up for another site's page (request.ts).
 */

import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { HttpReply } from "../../http.ts";
import { isPathOf } from "./path.ts";
import type { ApiRoute } from "./route.ts";

/** The browser may keep the answer to its question for so long. */
const PREFLIGHT_SECONDS = 600;
const EXPOSED = "etag, link, retry-after, ratelimit, ratelimit-policy";

export interface Cors {
  /** The answer to a browser that asks whether it may; undefined: this is no such question. */
  preflight(event: APIGatewayProxyEventV2): HttpReply | undefined;
  /** The reply, which pages of these sites may read. */
  allow(event: APIGatewayProxyEventV2, reply: HttpReply): HttpReply;
}

/** `origins`: `https://site.example`, or `*` for every site; none: nothing changes. `paths`: as routes have them. */
export function createCors(origins: readonly string[], paths: readonly string[]): Cors {
  const isForAll = origins.includes("*");
  const headersFor = (event: APIGatewayProxyEventV2): Record<string, string> => {
    if (origins.length === 0 || !paths.some((path) => isPathOf(path, event.rawPath))) return {};
    const { origin = "" } = event.headers;
    const vary = isForAll ? undefined : "origin";
    const allowed = isForAll ? "*" : origins.find((one) => one === origin);
    return {
      ...(vary && { vary }),
      ...(allowed && { "access-control-allow-origin": allowed, "access-control-expose-headers": EXPOSED }),
    };
  };
  return {
    preflight(event) {
      if (event.requestContext.http.method !== "OPTIONS") return undefined;
      const headers = headersFor(event);
      if (Object.keys(headers).length === 0) return undefined;
      return {
        statusCode: 204,
        headers: {
          ...headers,
          "access-control-allow-methods": "GET",
          "access-control-allow-headers": "authorization, if-none-match",
          "access-control-max-age": `${PREFLIGHT_SECONDS}`,
        },
      };
    },
    allow(event, reply) {
      if (event.requestContext.http.method !== "GET") return reply;
      return { ...reply, headers: { ...reply.headers, ...headersFor(event) } };
    },
  };
}

/** Of what may be read without a cookie. */
export function sharedPaths(routes: readonly ApiRoute[]): string[] {
  return routes
    .filter(
      ({ method, access, seesSession, takesToken }) =>
        method === "GET" && ((access === "public" && !seesSession) || takesToken),
    )
    .map(({ path }) => path);
}
