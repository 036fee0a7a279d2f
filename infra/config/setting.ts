/** What is known of one key of the TOML file. */

import type * as v from "valibot";

/** One key of the file. `fallback` is used when the file has no value. */
export interface Setting<Schema extends v.GenericSchema = v.GenericSchema> {
  schema: Schema;
  fallback: v.InferInput<Schema>;
  help: string;
  /** No message shows its value, whatever it is. */
  isSecret: boolean;
}

export function setting<Schema extends v.GenericSchema>(
  schema: Schema,
  fallback: v.InferInput<Schema>,
  help: string,
): Setting<Schema> {
  return { schema, fallback, help, isSecret: false };
}

/** A key, a password, or an address that may hold one. */
export function secret<Schema extends v.GenericSchema>(
  schema: Schema,
  fallback: v.InferInput<Schema>,
  help: string,
): Setting<Schema> {
  return { ...setting(schema, fallback, help), isSecret: true };
}
