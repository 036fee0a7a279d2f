/** What the pool asks of a pegnetd: whether a payout was executed, and what an address holds. */

import * as v from "valibot";
import { CodedError } from "../errors.ts";
import { hideSecrets } from "../hide-secrets.ts";
import { createRpcCall, type RpcModules, type RpcOptions } from "./rpc.ts";

/** `unknown`: pegnetd has not seen the entry, or not yet. `pending`: seen, and neither executed nor refused yet. */
export type TransactionStatus =
  | { readonly kind: "executed"; readonly height: number }
  | { readonly kind: "rejected"; readonly code: number }
  | { readonly kind: "pending" | "unknown" };

/** Rejects with the CodedErrors of `createRpcCall`. */
export interface Pegnetd {
  transaction(entryHash: string): Promise<TransactionStatus>;
  /** In 1e-8 PEG, as near as a double is: pegnetd writes it as a JSON number. 0 for an address it does not know. */
  roughPegBalance(address: string): Promise<number>;
}

const NOT_FOUND = new Set<unknown>([-32803, -32808]);
const STATUS = v.object({ height: v.number(), executed: v.number() });
const BALANCES = v.looseObject({ PEG: v.number() });

export function createPegnetd(options: RpcOptions, modules: RpcModules): Pegnetd {
  const rpc = createRpcCall(options, modules);
  const ask = async <Schema extends v.GenericSchema>(
    schema: Schema,
    method: string,
    params: Readonly<Record<string, unknown>>,
  ): Promise<v.InferOutput<Schema> | undefined> => {
    const reply = await rpc(method, params).catch((thrown: unknown) => {
      if (thrown instanceof CodedError && NOT_FOUND.has(thrown.data["rpcCode"])) return undefined;
      throw thrown;
    });
    if (reply === undefined) return undefined;
    const parsed = v.safeParse(schema, reply);
    if (parsed.success) return parsed.output;
    throw new CodedError(
      "factomd-reply",
      hideSecrets(`pegnetd at ${options.url}: ${method}: ${parsed.issues[0].message}`),
    );
  };
  return {
    async transaction(entryHash) {
      const status = await ask(STATUS, "get-transaction-status", { entryhash: entryHash });
      if (status === undefined) return { kind: "unknown" };
      if (status.executed > 0) return { kind: "executed", height: status.executed };
      return status.executed < 0 ? { kind: "rejected", code: status.executed } : { kind: "pending" };
    },
    async roughPegBalance(address) {
      return (await ask(BALANCES, "get-pegnet-balances", { address }))?.PEG ?? 0;
    },
  };
}
