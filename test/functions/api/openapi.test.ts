import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiRoutes } from "../../../functions/api/handler.ts";
import { jsonSchema } from "../../../functions/api/json-schema.ts";
import { createTestApi, type TestApi } from "../../support/api.ts";
import { testClient } from "../../support/http-client.ts";

interface Operation {
  operationId: string;
  responses: unknown;
  security?: unknown;
  requestBody?: { content: { "application/json": { schema: object } } };
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

const FORMATS = { "date-time": true } as const;

let api: TestApi;
let served: Document;
beforeAll(async () => {
  api = await createTestApi({ seeded: false });
  served = (await testClient(api.handler).json("GET", "/api/openapi.json")).body as Document;
});
afterAll(() => api.database.drop());

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

  it("describes pairs as pairs: no shorter array and no longer one passes", () => {
    const isPair = new Ajv2020().compile(jsonSchema(v.tuple([v.number(), v.boolean()])));
    expect([[], [1], [1, true], [1, true, 2], [true, 1]].map((value) => isPair(value))).toEqual([
      false,
      false,
      true,
      false,
      false,
    ]);
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
    const operations = Object.values(served.paths).flatMap((methods) => Object.values(methods));

    expect(refs.length).toBeGreaterThan(20);
    for (const name of refs) expect(served.components.schemas).toHaveProperty(name);
    expect(new Set(operations.map((operation) => operation.operationId)).size).toBe(operations.length);
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
            prefixItems: [{ type: "number" }, { type: "boolean" }],
            items: false,
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
