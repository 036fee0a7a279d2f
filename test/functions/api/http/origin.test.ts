import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { behindOrigin, type OriginSecret } from "../../../../functions/api/http/origin.ts";
import { LOCAL_CONTEXT } from "../../../../functions/local-context.ts";
import type { SecretVersions } from "../../../../shared/aws/secret.ts";
import { CodedError } from "../../../../shared/errors.ts";
import { SILENT } from "../../../../shared/logger.ts";

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

/** A secret that is kept as `kept`, and read again as `now`. */
function secretOf(kept: SecretVersions, now: SecretVersions = kept): OriginSecret {
  return { get: () => Promise.resolve(kept), again: () => Promise.resolve(now) };
}

const SECRET = secretOf({ current: "between-us", previous: undefined });

function openDoor(secret: OriginSecret | undefined = SECRET) {
  const seen: APIGatewayProxyEventV2[] = [];
  const passOn = async (passed: APIGatewayProxyEventV2) => {
    seen.push(passed);
    return { statusCode: 200 };
  };
  const handler = behindOrigin(secret, passOn, { logger: SILENT });
  return { seen, call: (headers: Record<string, string>) => handler(event(headers), LOCAL_CONTEXT) };
}

describe("the api behind CloudFront", () => {
  it("sees the visitor's own host and address, and never the secret", async () => {
    const { call, seen } = openDoor();
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
    const { call, seen } = openDoor();
    await call({ "x-origin-secret": "between-us", "x-viewer-address": "2001:db8::1" });
    expect(seen[0]?.requestContext.http.sourceIp).toBe("2001:db8::1");
  });

  it.each([
    {},
    { "x-origin-secret": "" },
    { "x-origin-secret": "between-uS" },
    { "x-origin-secret": "between-us2" },
  ])("refuses who comes around it with %o, whatever address it claims", async (headers) => {
    const { call, seen } = openDoor();
    const reply = await call({ ...headers, "x-viewer-address": "192.0.2.7" });
    expect(reply.statusCode).toBe(403);
    expect(seen).toEqual([]);
  });

  it("takes the secret of now and the one before, and looks again before it refuses", async () => {
    const old = { current: "old", previous: undefined };
    const rotated = { current: "new", previous: "old" };
    for (const secret of [secretOf(old, rotated), secretOf(rotated)]) {
      const { call } = openDoor(secret);
      const answers = ["old", "new", "older"].map((given) => call({ "x-origin-secret": given }));
      expect((await Promise.all(answers)).map(({ statusCode }) => statusCode)).toEqual([200, 200, 403]);
    }
    const { call } = openDoor(secretOf({ current: "newest", previous: "new" }));
    expect((await call({ "x-origin-secret": "old" })).statusCode).toBe(403);
  });

  it("lets nobody in while the secret cannot be read, and says so; who has none to show costs no read", async () => {
    let reads = 0;
    const away = (): Promise<never> => {
      reads += 1;
      return Promise.reject(new CodedError("aws-away", "no answer"));
    };
    const { call, seen } = openDoor({ get: away, again: away });
    expect((await call({})).statusCode).toBe(403);
    expect(reads).toBe(0);
    expect((await call({ "x-origin-secret": "between-us" })).statusCode).toBe(503);
    expect(seen).toEqual([]);
  });

  it("believes nobody's headers where nothing stands in front", async () => {
    const seen: APIGatewayProxyEventV2[] = [];
    const passOn = async (passed: APIGatewayProxyEventV2) => {
      seen.push(passed);
      return { statusCode: 200 };
    };
    const open = behindOrigin(undefined, passOn, { logger: SILENT });
    const call = (headers: Record<string, string>) => open(event(headers), LOCAL_CONTEXT);
    await call({ "x-viewer-host": "evil.example", "x-viewer-address": "192.0.2.7" });
    expect(seen[0]?.headers["host"]).toBe("id.lambda-url.us-east-1.on.aws");
    expect(seen[0]?.requestContext.http.sourceIp).toBe("130.176.0.1");
  });
});
