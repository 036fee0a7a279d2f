/** Examples of requests and answers for the OpenAPI document, put together from those of their fields. */

import type { JsonSchema } from "./json-schema.ts";

/** What `jsonSchema` makes, as far as an example follows from it. */
interface Described {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly anyOf?: readonly Described[];
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
}

/** A value that the schema takes. A text without an example is a bug: the document's test finds it. */
export function exampleOf(schema: JsonSchema): unknown {
  return make(schema);
}

function make(schema: Described): unknown {
  // The last one is said of the field itself, those before it of its kind.
  const own = schema.examples?.at(-1) ?? schema.const ?? schema.enum?.[0];
  if (own !== undefined) return own;
  const [first] = schema.anyOf ?? [];
  if (first !== undefined) return make(first);
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, field]) => [name, make(field)]),
      );
    case "array":
      return schema.items === undefined ? [] : [make(schema.items)];
    case "boolean":
      return true;
    case "integer":
    case "number":
      return Math.max(schema.minimum ?? 0, 1);
    case "null":
      return null;
    default:
      return undefined;
  }
}
