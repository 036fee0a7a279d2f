/** Requests as API Gateway hands them over: what it decodes differently than a server of one's own. */

import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { Chance } from "../../support/random.ts";
import { mutateJson, mutateText } from "./mutate.ts";

export interface SeedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** The field types are the service's; everything in them is the visitor's. */
export function drawEvent(seed: SeedRequest, cookie: string, chance: Chance): APIGatewayProxyEventV2 {
  const odd = (text: string): string => (chance.hit(0.3) ? mutateText(text, chance) : text);
  const [path = "/", query = ""] = seed.path.split("?");
  const isBase64Encoded = chance.hit(0.3);
  const text = chance.hit(0.5) ? seed.body : mutateJson(seed.body, chance);
  const body = odd(isBase64Encoded ? Buffer.from(text).toString("base64") : text);
  // What the service promises: a path begins with its slash, and there is no request without a method.
  const rawPath = `/${odd(path.slice(1))}`;
  const method = (chance.hit(0.9) ? seed.method : odd(seed.method)) || "X";
  const time = { time: "", timeEpoch: 0 };
  return {
    ...{ version: "2.0", routeKey: "$default", rawPath, rawQueryString: odd(query), isBase64Encoded },
    ...(chance.hit(0.5) ? { cookies: cookie === "" ? [] : [...cookie.split("; "), "a=b"].map(odd) } : {}),
    headers: {
      host: odd("127.0.0.1"),
      ...(chance.hit(0.7) ? { origin: odd("http://127.0.0.1") } : {}),
      ...(chance.hit(0.8) ? { "content-type": odd("application/json") } : {}),
      ...(chance.hit(0.5) ? { "x-forwarded-proto": odd("https"), accept: odd("text/html") } : {}),
      ...(chance.hit(0.2) ? { "sec-fetch-site": odd("same-origin") } : {}),
    },
    requestContext: {
      ...{ accountId: "1", apiId: "a", domainName: odd("127.0.0.1"), domainPrefix: "", requestId: "r" },
      ...{ routeKey: "$default", stage: "$default", ...time },
      http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: odd("192.0.2.1"), userAgent: odd("x") },
    },
    ...(body === "" ? {} : { body }),
  };
}
