/** The OpenAPI 3.1 document, made from the very routes and schemas that the handler runs. */

import type * as v from "valibot";
import type { ApiRoute } from "./http/route.ts";
import { type JsonSchema, jsonSchema } from "./json-schema.ts";
import type { ApiOptions } from "./options.ts";
import { VIEWS, type ViewName } from "./views/views.ts";

const ref = (name: ViewName): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const jsonBody = (schema: JsonSchema): JsonSchema => ({ "application/json": { schema } });

/** A plain object, ready for JSON. */
export function openApiDocument(options: ApiOptions, routes: readonly ApiRoute[]): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: `${options.poolName} API`,
      version: options.version,
      description:
        "Amounts are decimal strings of 1e-8 PEG, work is a decimal string of hashes, times are UTC. " +
        "Errors are {error: {code, message}}. Log in with POST /api/session; the session is a cookie of 12 hours. " +
        "A script sends a token from POST /api/me/tokens as Authorization: Bearer, which may GET what is below /api/me.",
    },
    paths: { ...paths, "/api/v1": { post: rpcOperation() } },
    components: {
      schemas: Object.fromEntries(Object.entries(VIEWS).map(([name, schema]) => [name, jsonSchema(schema)])),
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: "session" },
        token: { type: "http", scheme: "bearer", description: "made on the page Account" },
      },
    },
  };
}

function operation(route: ApiRoute): JsonSchema {
  const parameters = [...pathParameters(route.path), ...queryParameters(route.query)];
  const body = jsonSchema(route.body);
  return {
    operationId: operationId(route),
    summary: route.summary,
    tags: [tagOf(route)],
    ...(route.access === "public"
      ? {}
      : { security: [{ session: [] }, ...(route.takesToken ? [{ token: [] }] : [])] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body.type === "undefined" ? {} : { requestBody: { required: true, content: jsonBody(body) } }),
    responses: {
      "200": { description: "OK", content: contentOf(route) },
      default: { description: "Refused or failed", content: jsonBody(ref("Error")) },
    },
  };
}

function contentOf({ reply, files }: ApiRoute): JsonSchema {
  const texts = files.map((type) => [type, { schema: { type: "string" } }]);
  return { ...jsonBody(ref(reply)), ...Object.fromEntries(texts) };
}

function operationId(route: ApiRoute): string {
  const words = route.path.split(/[/{}]+/).filter((word) => word !== "" && word !== "api");
  return [route.method.toLowerCase(), ...words].join("-");
}

function tagOf(route: ApiRoute): string {
  if (route.access !== "public") return route.access === "admin" ? "operator" : "account";
  return /session|register/.test(route.path) ? "account" : "pool";
}

function pathParameters(path: string): JsonSchema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name ?? "",
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: v.ObjectEntries): JsonSchema[] {
  return Object.entries(query).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema: jsonSchema(schema),
  }));
}

function rpcOperation(): JsonSchema {
  return {
    operationId: "post-v1",
    summary:
      "JSON-RPC 2.0 as the Go pool has it: api.Rewards, api.EntrySubmissions (jobid), api.SubmitSync; " +
      "limit 50, at most 200, offset, order asc or desc, column",
    tags: ["JSON-RPC"],
    requestBody: {
      required: true,
      content: jsonBody({
        type: "object",
        required: ["jsonrpc", "method"],
        properties: {
          jsonrpc: { const: "2.0" },
          method: { type: "string", enum: ["api.Rewards", "api.EntrySubmissions", "api.SubmitSync"] },
          params: { type: "object" },
          id: { type: ["string", "integer", "null"] },
        },
      }),
    },
    responses: { "200": { description: "A JSON-RPC response", content: jsonBody({ type: "object" }) } },
  };
}
