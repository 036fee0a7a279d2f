/** The content delivery network before the api function: which requests are really from it, and the visitor's own host and address. */

import { timingSafeEqual } from "node:crypto";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type { KeptSecret } from "../../../shared/aws/kept-secret.ts";
import type { SecretVersions } from "../../../shared/aws/secret.ts";
import { coerceError } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/logger.ts";
import { errorReply, type HttpReply } from "../../http.ts";

type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpReply>;

/** Sent by CloudFront only: set on the origin, so that whatever a visitor sends under this name is replaced. */
export const SECRET_HEADER = "x-origin-secret";
/** The Host that the visitor's browser used; set by a function at the CloudFront edge. */
export const HOST_HEADER = "x-viewer-host";
/** The visitor's address; set by that function too. CloudFront's own header for it reaches no origin that does not ask for it by a policy. */
export const ADDRESS_HEADER = "x-viewer-address";

/** What is in front sends the secret of now, or the one before while a new one gets about. */
export type OriginSecret = Pick<KeptSecret<SecretVersions>, "get" | "again">;

/**
 * With a secret, requests without it are refused: a visitor who went around CloudFront could claim any address and so escape the limit on
 * failed logins. Requests with it get the visitor's host and address. Without one nothing is in front, and events pass as they are.
 */
export function behindOrigin(
  secret: OriginSecret | undefined,
  handler: Handler,
  { logger }: { readonly logger: Logger },
): Handler {
  if (secret === undefined) return (event, context) => handler(event, context);
  return async (event, context) => {
    const given = event.headers[SECRET_HEADER] ?? "";
    try {
      if (!(await isOrigins(given, secret)))
        return errorReply(403, "wrong-address", "use the pool's public address, not this one");
    } catch (thrown) {
      logger.error("The secret of the origin cannot be read: nobody is let in", {
        error: coerceError(thrown).message,
        advice: "look at the function's role and at the secret prosper/STAGE/origin",
      });
      return errorReply(503, "origin-unknown", "the pool cannot check where this comes from; try again");
    }
    return handler(asVisited(event), context);
  };
}

/** What is refused may be newer than what is kept. Without a secret at all nothing is looked up. */
async function isOrigins(given: string, secret: OriginSecret): Promise<boolean> {
  if (given === "") return false;
  return isOneOf(given, await secret.get()) || isOneOf(given, await secret.again());
}

function isOneOf(given: string, { current, previous }: SecretVersions): boolean {
  return isEqual(given, current) || (previous !== undefined && isEqual(given, previous));
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
  return b.length > 0 && a.length === b.length && timingSafeEqual(a, b);
}
