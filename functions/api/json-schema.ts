/** JSON Schema (2020-12, as OpenAPI 3.1 wants it) of the few valibot schemas that the API is described with. */

import * as v from "valibot";

export type JsonSchema = { readonly [key: string]: unknown };

/** What is read of a schema's inside; each kind has some of it. */
const parts = v.object({
  type: v.string(),
  entries: v.optional(v.record(v.string(), v.unknown())),
  item: v.optional(v.unknown()),
  items: v.optional(v.array(v.unknown())),
  value: v.optional(v.unknown()),
  wrapped: v.optional(v.unknown()),
  options: v.optional(v.array(v.unknown())),
  literal: v.optional(v.unknown()),
  default: v.optional(v.unknown()),
  pipe: v.optional(v.array(v.unknown())),
});
const action = v.object({
  type: v.string(),
  requirement: v.optional(v.unknown()),
  description: v.optional(v.string()),
});

/** Throws RangeError for a kind of schema that no view uses yet. */
export function jsonSchema(schema: unknown): JsonSchema {
  const { pipe, ...own } = v.parse(parts, schema);
  if (pipe === undefined) return plain(own);
  const [root, ...actions] = pipe;
  return actions.reduce<JsonSchema>((sum, item) => refine(sum, item), jsonSchema(root));
}

function plain(schema: v.InferOutput<typeof parts>): JsonSchema {
  switch (schema.type) {
    case "string":
    case "number":
    case "boolean":
      return { type: schema.type };
    case "undefined":
      return {};
    case "literal":
      return { const: schema.literal };
    case "picklist":
      return { enum: schema.options };
    case "array":
      return { type: "array", items: jsonSchema(schema.item) };
    case "tuple":
      return tupleSchema(schema.items ?? []);
    case "record":
      return { type: "object", additionalProperties: jsonSchema(schema.value) };
    case "nullable":
      return { anyOf: [jsonSchema(schema.wrapped), { type: "null" }] };
    case "optional":
      return {
        ...jsonSchema(schema.wrapped),
        ...(schema.default === undefined ? {} : { default: schema.default }),
      };
    case "strict_object":
      return objectSchema(schema.entries ?? {});
    default:
      throw new RangeError(`no JSON Schema is known for the valibot schema ${schema.type}: add it here`);
  }
}

/** `prefixItems` alone bounds only what is there: a shorter array would pass. */
function tupleSchema(items: readonly unknown[]): JsonSchema {
  return {
    type: "array",
    prefixItems: items.map((item) => jsonSchema(item)),
    items: false,
    minItems: items.length,
    maxItems: items.length,
  };
}

function objectSchema(entries: Readonly<Record<string, unknown>>): JsonSchema {
  return {
    type: "object",
    required: Object.keys(entries).filter((key) => v.parse(parts, entries[key]).type !== "optional"),
    properties: Object.fromEntries(Object.entries(entries).map(([key, item]) => [key, jsonSchema(item)])),
    additionalProperties: false,
  };
}

/** Actions that say nothing to a reader (transforms, checks) are passed over. */
function refine(schema: JsonSchema, item: unknown): JsonSchema {
  const { type, requirement, description } = v.parse(action, item);
  switch (type) {
    case "description":
      // Beside a $ref-free schema only the outermost description is kept.
      return { ...schema, description };
    case "regex":
      return requirement instanceof RegExp ? { ...schema, pattern: requirement.source } : schema;
    case "integer":
      return { ...schema, type: "integer" };
    case "iso_timestamp":
      return { ...schema, format: "date-time" };
    case "max_length":
      return { ...schema, [schema["type"] === "array" ? "maxItems" : "maxLength"]: requirement };
    default:
      return schema;
  }
}
