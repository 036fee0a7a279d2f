import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiRoutes } from "../../../functions/api/handler.ts";
import { jsonSchema } from "../../../functions/api/json-schema.ts";
import { createTestApi, type TestApi } from "../../support/api.ts";
import { testClient } from "../../support/http-client.ts";

interface Media {
  schema: Schema;
  example?: unknown;
  examples?: Record<string, { value: { error: { code: string } } }>;
}

interface Schema {
  $ref?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  examples?: unknown[];
}

interface Parameter {
  name: string;
  description?: string;
  schema: Schema;
}

interface Operation {
  operationId: string;
  summary: string;
  responses: Record<string, { description: string; content?: { "application/json": Media } }>;
  security?: unknown;
  parameters?: Parameter[];
  requestBody?: { content: { "application/json": Media } };
}

interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const FORMATS = { "date-time": true } as const;

let api: TestApi;
let served: Document;
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
  served = (await testClient(api.handler).json("GET", "/api/openapi.json")).body as Document;
});
afterAll(() => api.database.drop());

const operations = (): Operation[] =>
  Object.values(served.paths).flatMap((methods) => Object.values(methods));

describe("/api/openapi.json", () => {
  it("lists every route and nothing else", () => {
    const documented = Object.entries(served.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = apiRoutes(api.options, api.modules).map((route) => `${route.method} ${route.path}`);

    expect(served.openapi).toBe("3.1.0");
    expect(new Set(documented)).toEqual(new Set([...routes, "POST /api/v1"]));
    expect(documented).toHaveLength(routes.length + 1);
  });

  it("is valid OpenAPI 3.1, down to every JSON Schema in it", async () => {
    const validator = new Validator();
    expect(await validator.validate(JSON.stringify(served, null, 1))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");

    // Strict: a keyword that does nothing where it stands is an error.
    const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, formats: FORMATS });
    const { schemas } = served.components;
    const bodies = Object.values(served.paths).flatMap((methods) =>
      Object.values(methods).flatMap(
        ({ requestBody }) => requestBody?.content["application/json"].schema ?? [],
      ),
    );
    expect(bodies.length).toBeGreaterThan(5);
    for (const schema of [...Object.values(schemas), ...bodies])
      expect(() => ajv.compile(schema), JSON.stringify(schema)).not.toThrow();
  });

  it("describes pairs as lists of two: no shorter array and no longer one passes", () => {
    const isPair = new Ajv2020().compile(jsonSchema(v.tuple([v.number(), v.boolean()])));
    expect([[], [1], [1, true], [1, true, 2], [true, 1]].map((value) => isPair(value))).toEqual([
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  it("describes every property of every body and answer, and every parameter", () => {
    const lacking: string[] = [];
    const look = (schema: Schema, where: string): void => {
      for (const [name, field] of Object.entries(schema.properties ?? {})) {
        if ((field.description ?? "") === "") lacking.push(`${where}.${name}`);
        look(field, `${where}.${name}`);
      }
      const { items, anyOf = [] } = schema;
      for (const one of [...(items ? [items] : []), ...anyOf]) look(one, where);
    };
    for (const [name, schema] of Object.entries(served.components.schemas)) look(schema, name);
    for (const { operationId, summary, parameters = [], requestBody } of operations()) {
      expect(summary, operationId).not.toBe("");
      if (requestBody !== undefined) look(requestBody.content["application/json"].schema, operationId);
      for (const { name, description = "" } of parameters)
        if (description === "") lacking.push(`${operationId} ${name}`);
    }

    expect(lacking).toEqual([]);
  });

  it("has examples of every body, answer and parameter, which its schemas take", () => {
    const ajv = new Ajv2020({ strict: false, formats: FORMATS });
    ajv.addSchema({ $id: "document", components: served.components });
    const check = (schema: Schema, example: unknown, what: string): void => {
      const text = JSON.stringify(schema).replaceAll('"#/components', '"document#/components');
      const isRight = ajv.compile(JSON.parse(text));
      expect(isRight(example), `${what}: ${JSON.stringify(example)} ${ajv.errorsText(isRight.errors)}`).toBe(
        true,
      );
    };
    let checked = 0;
    for (const { operationId, responses, requestBody, parameters = [] } of operations()) {
      const asked = requestBody?.content["application/json"];
      if (asked !== undefined) check(asked.schema, asked.example, `body of ${operationId}`);
      for (const [status, { content }] of Object.entries(responses)) {
        const answer = content?.["application/json"];
        if (answer === undefined || operationId === "post-v1") continue;
        if (status === "200") check(answer.schema, answer.example, `answer of ${operationId}`);
        for (const { value } of Object.values(answer.examples ?? {}))
          check(answer.schema, value, `${status} of ${operationId}`);
        checked += 1;
      }
      for (const { name, schema } of parameters)
        for (const example of schema.examples ?? []) check(schema, example, `${operationId} ${name}`);
    }
    expect(checked).toBeGreaterThan(200);
  });

  it("lists what each operation may be refused for, by status and code", () => {
    const codes = (path: string, method: string, status: string) =>
      Object.keys(
        served.paths[path]?.[method]?.responses[status]?.content?.["application/json"].examples ?? {},
      );
    expect(codes("/api/blocks/{height}", "get", "404")).toEqual(["no-block"]);
    expect(codes("/api/session", "post", "401")).toEqual(["refused", "code-needed"]);
    expect(codes("/api/session", "post", "429")).toEqual(["throttled"]);
    expect(codes("/api/admin/bars", "post", "422")).toEqual([
      ...["bad-reason", "bad-address", "no-user", "administrator"],
    ]);
    expect(codes("/api/admin/bars", "post", "403")).toEqual(["wrong-address", "cross-origin", "not-admin"]);
    expect(codes("/api/me", "get", "401")).toEqual(["not-logged-in"]);
    for (const { operationId, responses } of operations())
      expect(responses, operationId).not.toHaveProperty("default");
  });

  it("says where it is served, whatever name it is visited by", () => {
    expect(served.servers.map(({ url }) => url)).toEqual(["/"]);
  });

  it("names only addresses that the handler answers", async () => {
    const client = testClient(api.handler);
    for (const [path, methods] of Object.entries(served.paths)) {
      for (const method of Object.keys(methods)) {
        const { body } = await client.json(method.toUpperCase(), path.replace("{height}", "1"));
        expect(JSON.stringify(body), `${method} ${path}`).not.toMatch(/nothing at this address|wrong-method/);
      }
    }
  });

  it("refers only to schemas that it has, and gives every operation a name of its own", () => {
    const text = JSON.stringify(served);
    const refs = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? "");

    expect(refs.length).toBeGreaterThan(20);
    for (const name of refs) expect(served.components.schemas).toHaveProperty(name);
    const ids = operations().map((operation) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("says which operations need a login", () => {
    expect(served.paths["/api/me"]?.["get"]?.security).toEqual([{ session: [] }, { token: [] }]);
    expect(served.paths["/api/me/tokens"]?.["get"]?.security).toEqual([{ session: [] }]);
    expect(served.paths["/api/me/tokens"]?.["post"]?.security).toEqual([{ session: [] }]);
    expect(served.paths["/api/pool"]?.["get"]?.security).toBeUndefined();
  });
});

describe("jsonSchema", () => {
  it("describes what a schema takes", () => {
    const schema = v.strictObject({
      name: v.pipe(v.string(), v.maxLength(9), v.description("a name")),
      height: v.nullable(v.pipe(v.number(), v.integer())),
      kind: v.picklist(["a", "b"]),
      pair: v.array(v.tuple([v.number(), v.boolean()])),
      limit: v.optional(v.pipe(v.string(), v.regex(/^\d+$/)), "50"),
    });

    expect(jsonSchema(schema)).toEqual({
      type: "object",
      required: ["name", "height", "kind", "pair"],
      additionalProperties: false,
      properties: {
        name: { type: "string", maxLength: 9, description: "a name" },
        height: { anyOf: [{ type: "integer" }, { type: "null" }] },
        kind: { type: "string", enum: ["a", "b"] },
        pair: {
          type: "array",
          items: {
            type: "array",
            items: { anyOf: [{ type: "number" }, { type: "boolean" }] },
            minItems: 2,
            maxItems: 2,
          },
        },
        limit: { type: "string", pattern: "^\\d+$", default: "50" },
      },
    });
  });

  it("refuses a kind of schema that it does not know", () => {
    expect(() => jsonSchema(v.date())).toThrow(/date/);
  });
});
