/** The few methods of pegnetd's JSON-RPC v1 that show what became of PEG: balances and transactions. */

import * as v from "valibot";
import { encodeAddress, parseFaAddressLeniently } from "../../shared/factom/address.ts";
import { TICKERS } from "../../shared/factom/fat2-parse.ts";
import type { DevnetChain } from "./chain.ts";
import { HASH, invalidParams, RawJson, RpcError, type RpcMethod, readParams } from "./rpc-methods.ts";

const ADDRESS = v.object({ address: v.string() });

export function pegnetdMethods(chain: DevnetChain): ReadonlyMap<string, RpcMethod> {
  return new Map<string, RpcMethod>([
    [
      "get-pegnet-balances",
      (params) => {
        const { address } = readParams(ADDRESS, params, 'required: "address"');
        const hash = parseFaAddressLeniently(address);
        if (hash === undefined) throw invalidParams("address: invalid");
        const balance = chain.balance(encodeAddress("FA", hash));
        if (balance === undefined)
          throw new RpcError(-32808, "Address Not Found", "address may be invalid, or not yet tracked");
        // Written by hand: a large balance does not fit a JavaScript number.
        return new RawJson(
          `{${TICKERS.map((ticker) => `"${ticker}":${ticker === "PEG" ? balance : 0n}`).join(",")}}`,
        );
      },
    ],
    [
      "get-transaction-status",
      (params) => {
        const { entryhash } = readParams(v.object({ entryhash: HASH }), params, 'required: "entryhash"');
        const status = chain.transaction(entryhash);
        if (status === undefined)
          throw new RpcError(-32803, "Transaction Not Found", "no matching tx-id was found");
        return { height: status.height, executed: status.executed };
      },
    ],
    ["get-sync-status", () => ({ syncheight: chain.tip?.height ?? 0, factomheight: chain.tip?.height ?? 0 })],
  ]);
}
