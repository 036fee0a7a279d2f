/** A node's methods and their errors, shared by the factomd and the pegnetd side. */

import * as v from "valibot";

/** A JSON-RPC error as the node words it. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** Answers with the result, or throws an RpcError. */
export type RpcMethod = (params: unknown) => unknown;

/** By method name. */
export type RpcMethods = ReadonlyMap<string, RpcMethod>;

export const invalidParams = (data?: string): RpcError => new RpcError(-32602, "Invalid params", data);

/** The parameters, or "Invalid params" with the given detail. */
export function readParams<S extends v.GenericSchema>(
  schema: S,
  params: unknown,
  detail?: string,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, params);
  if (!parsed.success) throw invalidParams(detail);
  return parsed.output;
}

export const HASH = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/i),
  v.transform((hash) => hash.toLowerCase()),
);
export const HEX = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{2})*$/i));

/** A result that is JSON text already. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
