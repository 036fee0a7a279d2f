/** What a bundled function is started with in tests: its variables, and events like API Gateway's. */

import type { FunctionName } from "../../../functions/environment.ts";

const OWN: Record<FunctionName, Record<string, string>> = {
  accounting: { SEAL_DEADLINE_SECONDS: "30", DEAD_LETTERS_URL: "http://127.0.0.1:1/000000000000/dead" },
  alerts: { POOL_NAME: "Test", ALLOW_PRIVATE: "yes" },
  auth: { REGISTRATION: "invite" },
  poll: {
    BLOCK_SECONDS: "10",
    ACTIVATION: "0",
    START_HEIGHT: "1000",
    STALE_SECONDS: "1800",
    PRICES: JSON.stringify({
      priorities: { fixedusd: 0, devnet: 1 },
      overrides: {},
      urls: { devnet: "http://127.0.0.1:9" },
      fixed: {},
      rule: "priority",
    }),
  },
  api: {
    POOL_NAME: "Test",
    VERSION: "0.0.0",
    BLOCK_SECONDS: "10",
    REGISTRATION: "invite",
    STRATUM_HOST: "",
    STRATUM_PORT: "3333",
    LXR_BITS: "16",
    ORIGIN_SECRET_NAME: "",
  },
  janitor: { SEAL_DEADLINE_SECONDS: "30", BLOCK_SECONDS: "10" },
  canary: { CANARY_USER: "ops", STRATUM_HOST: "127.0.0.1", STRATUM_PORT: "9", STRATUM_TLS: "false" },
  migrate: { ROLE_SECRETS: "{}" },
};

/** Nothing of this process's own environment: what a function needs, it must be told. */
export function lambdaEnvironment(
  name: FunctionName,
  dataApi: { readonly url: string; readonly database: string },
): Record<string, string> {
  return {
    ...OWN[name],
    DATABASE_CLUSTER_ARN: "arn:aws:rds:us-east-1:000000000000:cluster:test",
    DATABASE_SECRET_ARN: "arn:aws:secretsmanager:us-east-1:000000000000:secret:test",
    DATABASE_NAME: dataApi.database,
    AWS_ENDPOINT_URL_RDS_DATA: dataApi.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_LAMBDA_FUNCTION_NAME: `test-${name}`,
  };
}

export function httpEvent(method: string, path: string, headers: Record<string, string> = {}): unknown {
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: "",
    headers: { host: "pool.example", ...headers },
    requestContext: {
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "test" },
    },
    isBase64Encoded: false,
  };
}
