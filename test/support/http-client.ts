/** A browser's part in tests of the api function: events of API Gateway version 2, with a cookie jar. */

import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { HttpHandler } from "../../functions/api/handler.ts";
import type { HttpReply } from "../../functions/http.ts";
import { LOCAL_CONTEXT } from "../../functions/local-context.ts";

export interface Sent {
  readonly query?: string;
  /** Sent as JSON, or as it is where it is text. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it comes from. */
  readonly address?: string;
}

export interface TestClient {
  send(method: string, path: string, sent?: Sent): Promise<HttpReply>;
  /** The parsed body of a JSON answer. */
  json(method: string, path: string, sent?: Sent): Promise<{ status: number; body: unknown }>;
  readonly cookies: Map<string, string>;
}

export function eventOf(method: string, path: string, sent: Sent, cookies: string[]): APIGatewayProxyEventV2 {
  const body =
    sent.body === undefined
      ? undefined
      : typeof sent.body === "string"
        ? sent.body
        : JSON.stringify(sent.body);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: sent.query ?? "",
    cookies,
    headers: {
      host: "pool.example:7070",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...sent.headers,
    },
    requestContext: {
      accountId: "",
      apiId: "",
      domainName: "",
      domainPrefix: "",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: sent.address ?? "192.0.2.7", userAgent: "test" },
      requestId: "",
      routeKey: "$default",
      stage: "$default",
      time: "",
      timeEpoch: 0,
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded: false,
  };
}

/** `address` is where it comes from, unless a request says otherwise. */
export function testClient(handler: HttpHandler, address = "192.0.2.7"): TestClient {
  const cookies = new Map<string, string>();
  const client: TestClient = {
    cookies,
    async send(method, path, sent = {}) {
      const jar = [...cookies].map(([name, value]) => `${name}=${value}`);
      const reply = await handler(eventOf(method, path, { address, ...sent }, jar), LOCAL_CONTEXT);
      for (const line of reply.cookies ?? []) {
        const [name = "", value = ""] = (line.split(";")[0] ?? "").split("=");
        if (value === "") cookies.delete(name);
        else cookies.set(name, value);
      }
      return reply;
    },
    async json(method, path, sent) {
      const reply = await client.send(method, path, sent);
      return { status: reply.statusCode ?? 0, body: JSON.parse(reply.body ?? "null") };
    },
  };
  return client;
}
