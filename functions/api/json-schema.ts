/** JSON Schema (2020-12, as OpenAPI 3.1 wants it) of the valibot schemas that the API is described with. */

import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";

export type JsonSchema = { readonly [key: string]: unknown };

/** The schema of what is sent, before any transform. Throws for a kind of schema or check that JSON Schema cannot express. */
export function jsonSchema(schema: v.GenericSchema): JsonSchema {
  if (schema.type === "undefined") return {};
  const { $schema: _, ...described } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    errorMode: "throw",
    // These tell a reader nothing.
    ignoreActions: ["transform", "check"],
    overrideSchema: ({ valibotSchema, jsonSchema: own }) => {
      // Generators and testers of OpenAPI stumble over `prefixItems`.
      if (valibotSchema.type === "tuple") {
        const { prefixItems = [], ...list } = own;
        return { ...list, items: { anyOf: prefixItems }, maxItems: prefixItems.length };
      }
      // What may be null means the same when it is not.
      const [meant] = valibotSchema.type === "nullable" ? (own.anyOf ?? []) : [];
      return typeof meant === "object" && meant.description !== undefined
        ? { description: meant.description, ...own }
        : null;
    },
  });
  return described;
}
