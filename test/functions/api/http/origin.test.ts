import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { behindOrigin } from "../../../../functions/api/http/origin.ts";
import { LOCAL_CONTEXT } from "../../../../functions/local-context.ts";

function event(headers: Record<string, string>): APIGatewayProxyEventV2 {
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: "/api/pool",
    rawQueryString: "",
    headers: { host: "id.lambda-url.us-east-1.on.aws", ...headers },
    requestContext: {
      accountId: "1",
      apiId: "id",
      domainName: "id.lambda-url.us-east-1.on.aws",
      domainPrefix: "id",
      http: {
        method: "GET",
        path: "/api/pool",
        protocol: "HTTP/1.1",
        sourceIp: "130.176.0.1",
        userAgent: "-",
      },
      requestId: "1",
      routeKey: "$default",
      stage: "$default",
      time: "",
      timeEpoch: 0,
    },
    isBase64Encoded: false,
  };
}

function openDoor(secret: string) {
  const seen: APIGatewayProxyEventV2[] = [];
  const handler = behindOrigin({ secret }, async (passed) => {
    seen.push(passed);
    return { statusCode: 200 };
  });
  return { seen, call: (headers: Record<string, string>) => handler(event(headers), LOCAL_CONTEXT) };
}

describe("the api behind CloudFront", () => {
  it("sees the visitor's own host and address, and never the secret", async () => {
    const { call, seen } = openDoor("between-us");
    const reply = await call({
      "x-origin-secret": "between-us",
      "x-viewer-host": "pool.example.org",
      "x-viewer-address": "192.0.2.7",
    });
    expect(reply).toEqual({ statusCode: 200 });
    expect(seen[0]?.headers["host"]).toBe("pool.example.org");
    expect(seen[0]?.requestContext.http.sourceIp).toBe("192.0.2.7");
    expect(seen[0]?.headers).not.toHaveProperty("x-origin-secret");
  });

  it("takes an IPv6 address", async () => {
    const { call, seen } = openDoor("between-us");
    await call({ "x-origin-secret": "between-us", "x-viewer-address": "2001:db8::1" });
    expect(seen[0]?.requestContext.http.sourceIp).toBe("2001:db8::1");
  });

  it.each([
    {},
    { "x-origin-secret": "" },
    { "x-origin-secret": "between-uS" },
    { "x-origin-secret": "between-us2" },
  ])("refuses who comes around it with %o, whatever address it claims", async (headers) => {
    const { call, seen } = openDoor("between-us");
    const reply = await call({ ...headers, "x-viewer-address": "192.0.2.7" });
    expect(reply.statusCode).toBe(403);
    expect(seen).toEqual([]);
  });

  it("believes nobody's headers where nothing stands in front", async () => {
    const { call, seen } = openDoor("");
    await call({ "x-viewer-host": "evil.example", "x-viewer-address": "192.0.2.7" });
    expect(seen[0]?.headers["host"]).toBe("id.lambda-url.us-east-1.on.aws");
    expect(seen[0]?.requestContext.http.sourceIp).toBe("130.176.0.1");
  });
});
