/** The OpenAPI 3.1 document, made from the very routes and schemas that the handler runs. */

import * as v from "valibot";
import { exampleOf } from "./example.ts";
import { MEANINGS, partsOf, type Refusal } from "./http/refusals.ts";
import type { ApiRoute } from "./http/route.ts";
import { type JsonSchema, jsonSchema } from "./json-schema.ts";
import type { ApiOptions } from "./options.ts";
import { VIEWS } from "./views/views.ts";

const ref = (name: string, kind = "schemas"): JsonSchema => ({ $ref: `#/components/${kind}/${name}` });
const jsonBody = (schema: JsonSchema, example?: unknown): JsonSchema => ({
  "application/json": { schema, ...(example === undefined ? {} : { example }) },
});

/** A plain object, ready for JSON. */
export function openApiDocument(options: ApiOptions, routes: readonly ApiRoute[]): JsonSchema {
  const schemas = Object.fromEntries(
    Object.entries(VIEWS).map(([name, schema]) => [name, jsonSchema(schema)]),
  );
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    const described = operation(route, schemas[route.reply] ?? {});
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: described };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: `${options.poolName} API`,
      version: options.version,
      description:
        "Amounts are decimal strings of 1e-8 PEG, work is a decimal string of hashes, times are UTC. " +
        "Errors are {error: {code, message}}; each operation lists its codes. Log in with POST /api/session; the session is a cookie of 12 hours. " +
        "A script sends a token from POST /api/me/tokens as Authorization: Bearer, which may GET what is below /api/me. " +
        "Answers to GET have an ETag; a limit that is reached answers 429 with Retry-After.",
    },
    servers: [{ url: "/", description: "the pool that serves this document" }],
    tags: TAGS.map(([name, description]) => ({ name, description })),
    paths: { ...paths, "/api/v1": { post: rpcOperation() } },
    components: { schemas, headers: HEADERS, securitySchemes: SECURITY },
  };
}

const TAGS = [
  ["pool", "the pool, its blocks, payments and health: for everybody"],
  ["account", "registration, the session, and what is one user's own"],
  ["operator", "for administrators"],
  ["JSON-RPC", "the Go pool's API"],
] as const;

const SECURITY = {
  session: { type: "apiKey", in: "cookie", name: "session", description: "set by POST /api/session" },
  token: { type: "http", scheme: "bearer", description: "made on the page Account" },
};

const HEADERS = {
  ETag: { description: "give it back as If-None-Match", schema: { type: "string" } },
  RetryAfter: { description: "seconds to wait", schema: { type: "string", pattern: "^\\d+$" } },
  RateLimit: {
    description: "the limit that is reached, what is left of it (r) and for how many seconds (t)",
    schema: { type: "string", examples: ['"guesses";r=0;t=840'] },
  },
  RateLimitPolicy: {
    description: "the limit that is reached, how many it allows (q) and in how many seconds (w)",
    schema: { type: "string", examples: ['"guesses";q=5;w=4500'] },
  },
};

function operation(route: ApiRoute, answer: JsonSchema): JsonSchema {
  const parameters = [...pathParameters(route.path), ...queryParameters(route.query)];
  return {
    operationId: operationId(route),
    summary: route.summary,
    tags: [tagOf(route)],
    ...(route.access === "public"
      ? {}
      : { security: [{ session: [] }, ...(route.takesToken ? [{ token: [] }] : [])] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(route.body),
    responses: { ...answers(route, exampleOf(answer)), ...refusals(route) },
  };
}

function requestBody(body: v.GenericSchema): JsonSchema {
  if (body.type === "undefined") return {};
  const schema = jsonSchema(body);
  return {
    requestBody: { required: body.type !== "optional", content: jsonBody(schema, exampleOf(schema)) },
  };
}

function answers({ method, reply, files, alsoStatus }: ApiRoute, example: unknown): JsonSchema {
  const texts = files.map((type) => [type, { schema: { type: "string" } }]);
  const content = { ...jsonBody(ref(reply), example), ...Object.fromEntries(texts) };
  if (method !== "GET") return { "200": { description: "OK", content } };
  return {
    "200": { description: "OK", headers: { ETag: ref("ETag", "headers") }, content },
    "304": { description: "the same as by the ETag in If-None-Match" },
    ...(alsoStatus === undefined
      ? {}
      : { [alsoStatus.status]: { description: alsoStatus.meaning, content: jsonBody(ref(reply)) } }),
  };
}

/** What any route may be refused for, and what a route of its kind may. */
const EVERYWHERE: readonly Refusal[] = [
  ...(["400 bad-input", "403 wrong-address", "500 failed"] as const),
  ...(["503 db-away", "503 db-waking", "503 auth-away", "503 origin-unknown"] as const),
];
const CHANGING: readonly Refusal[] = ["400 bad-json", "403 cross-origin", "413 too-large", "415 not-json"];

function refusals(route: ApiRoute): JsonSchema {
  const all: Refusal[] = [
    ...EVERYWHERE,
    ...(route.method === "GET" ? [] : CHANGING),
    ...(route.access === "public" ? [] : (["401 not-logged-in"] as const)),
    ...(route.access === "admin" ? (["403 not-admin"] as const) : []),
    ...route.refuses,
  ];
  const byStatus = Map.groupBy(all, (one) => partsOf(one).status);
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => status !== route.alsoStatus?.status)
      .map(([status, some]) => [`${status}`, refusal(status, some)]),
  );
}

/** The answer's codes are its schema's: a client that is generated, and a test that is, see which there are. */
function refusal(status: number, some: readonly Refusal[]): JsonSchema {
  const codes = [...new Set(some.map((one) => partsOf(one).code))];
  const schema = { ...ref("Error"), properties: { error: { properties: { code: { enum: codes } } } } };
  const examples = codes.map((code) => [code, { value: { error: { code, message: MEANINGS[code] } } }]);
  return {
    description: codes.map((code) => `${code}: ${MEANINGS[code]}`).join("; "),
    ...(status === 429 || status === 503 ? { headers: waitHeaders(status) } : {}),
    content: { "application/json": { schema, examples: Object.fromEntries(examples) } },
  };
}

function waitHeaders(status: number): JsonSchema {
  const retry = { "Retry-After": ref("RetryAfter", "headers") };
  if (status !== 429) return retry;
  const [limit, policy] = [ref("RateLimit", "headers"), ref("RateLimitPolicy", "headers")];
  return { ...retry, RateLimit: limit, "RateLimit-Policy": policy };
}

function operationId(route: ApiRoute): string {
  const words = route.path.split(/[/{}]+/).filter((word) => word !== "" && word !== "api");
  return [route.method.toLowerCase(), ...words].join("-");
}

function tagOf(route: ApiRoute): string {
  if (route.access !== "public") return route.access === "admin" ? "operator" : "account";
  return /session|register/.test(route.path) ? "account" : "pool";
}

/** By the name that stands in the path. */
const PATH_PARAMETERS: Readonly<Record<string, JsonSchema>> = {
  height: {
    description: "a block height",
    schema: { type: "integer", minimum: 0, maximum: 0x7fff_ffff },
    example: 210_330,
  },
  code: {
    description: "a connect code: 16 letters A to Z and digits 2 to 7, made by who asks",
    schema: { type: "string", pattern: "^[A-Z2-7]{16}$" },
    example: "K7Q2M4XWRTDABCDE",
  },
  id: {
    description: "a block's height, an entry's hash or a share's nonce, both in hex",
    schema: { type: "string", pattern: "^(0|[1-9][0-9]{0,8}|([0-9a-fA-F]{2}){5,32})$" },
    example: "210330",
  },
};

function pathParameters(path: string): JsonSchema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    ...{ name, in: "path", required: true },
    ...PATH_PARAMETERS[name],
  }));
}

function queryParameters(query: v.ObjectEntries): JsonSchema[] {
  return Object.entries(query).map(([name, schema]) => {
    const { description, ...rest } = asTyped(jsonSchema(schema));
    const required = !v.is(schema, undefined);
    return { name, in: "query", required, description, schema: rest };
  });
}

/** All that is in a query is text on the way; `wire` says what it is to a client. */
function asTyped({ wire, ...schema }: JsonSchema): JsonSchema {
  if (typeof wire !== "object") return schema;
  const { type: _, pattern: _pattern, enum: _enum, default: preset, ...rest } = schema;
  return { ...rest, ...wire, ...(typeof preset === "string" ? { default: JSON.parse(preset) } : {}) };
}

function rpcOperation(): JsonSchema {
  const request = {
    type: "object",
    required: ["jsonrpc", "method"],
    properties: {
      jsonrpc: { description: "the version of JSON-RPC", const: "2.0" },
      method: {
        description: "what is asked for",
        type: "string",
        enum: ["api.Rewards", "api.EntrySubmissions", "api.SubmitSync"],
      },
      params: {
        description: "limit 50, at most 200, offset, order asc or desc, column, jobid",
        type: "object",
      },
      id: { description: "comes back; without one nothing is answered", type: ["string", "integer", "null"] },
    },
  };
  const example = { jsonrpc: "2.0", method: "api.Rewards", params: { limit: 2 }, id: 1 };
  const answer = { description: "of JSON-RPC, its errors too", type: "object" };
  return {
    operationId: "post-v1",
    summary:
      "JSON-RPC 2.0 as the Go pool has it, one request or 20: rewards, submissions, and what is synced",
    tags: ["JSON-RPC"],
    requestBody: {
      required: true,
      content: jsonBody(
        { anyOf: [request, { type: "array", items: request, minItems: 1, maxItems: 20 }] },
        example,
      ),
    },
    responses: {
      "200": {
        description: "A JSON-RPC response, or a list of them",
        content: jsonBody({ anyOf: [answer, { type: "array", items: answer }] }),
      },
      "204": { description: "Nothing was asked that is answered" },
      ...Object.fromEntries(
        (["413 too-large", "500 failed", "503 db-away"] as const).map((one) => [
          `${partsOf(one).status}`,
          refusal(partsOf(one).status, [one]),
        ]),
      ),
    },
  };
}
