/** The content delivery network before the api function: which requests are really from it, and the visitor's own host and address. */

import { timingSafeEqual } from "node:crypto";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { errorReply, type HttpReply } from "../../http.ts";

type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpReply>;

/** Sent by CloudFront only: set on the origin, so that whatever a visitor sends under this name is replaced. */
export const SECRET_HEADER = "x-origin-secret";
/** The Host that the visitor's browser used; set by a function at the CloudFront edge. */
export const HOST_HEADER = "x-viewer-host";
/** The visitor's address; set by that function too. CloudFront's own header for it reaches no origin that does not ask for it by a policy. */
export const ADDRESS_HEADER = "x-viewer-address";

/**
 * With a secret, requests without it are refused: a visitor who went around CloudFront could claim any address and so escape the limit on
 * failed logins. Requests with it get the visitor's host and address. An empty secret: nothing is in front, and events pass as they are.
 */
export function behindOrigin(options: { secret: string }, handler: Handler): Handler {
  const { secret } = options;
  if (secret === "") return (event, context) => handler(event, context);
  return async (event, context) => {
    if (!isEqual(event.headers[SECRET_HEADER] ?? "", secret))
      return errorReply(403, "wrong-address", "use the pool's public address, not this one");
    return handler(asVisited(event), context);
  };
}

function asVisited(event: APIGatewayProxyEventV2): APIGatewayProxyEventV2 {
  const { [SECRET_HEADER]: _, ...headers } = event.headers;
  const host = headers[HOST_HEADER] ?? headers["host"];
  const sourceIp = headers[ADDRESS_HEADER] ?? event.requestContext.http.sourceIp;
  return {
    ...event,
    headers: { ...headers, ...(host === undefined ? {} : { host }) },
    requestContext: { ...event.requestContext, http: { ...event.requestContext.http, sourceIp } },
  };
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
