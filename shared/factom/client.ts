/** The calls that the pool makes to a factomd node (docs/spec.md, "factomd"): JSON-RPC behind a small interface. Every reply is checked. */

import * as v from "valibot";
import { fromHex, toHex } from "../bytes.ts";
import { CodedError } from "../errors.ts";
import { hideSecrets } from "../hide-secrets.ts";
import {
  type DirectoryBlock,
  type EntryBlock,
  type ParsedBlock,
  parseDirectoryBlock,
  parseEntryBlock,
} from "./block.ts";
import { type Entry, entryHash, parseEntry } from "./entry.ts";
import { createRpcCall, type RpcModules, type RpcOptions } from "./rpc.ts";

export interface Heights {
  /** The last saved block, whose entries can be read. */
  readonly directoryBlock: number;
  /** The block being made. */
  readonly leader: number;
  /** Blocks whose entries are all here. */
  readonly entry: number;
}

export interface CurrentMinute {
  readonly leaderHeight: number;
  readonly directoryBlockHeight: number;
  /** 1 to 9, and 0 from the last minute's end until the next block's first. */
  readonly minute: number;
  readonly blockSeconds: number;
}

/** `repeated`: an equal or better commit of this entry is known already, so it is paid. */
export type CommitAnswer =
  | { readonly kind: "accepted"; readonly txId: string; readonly entryHash: string }
  | { readonly kind: "repeated" };

/** factomd's words: Unknown, NotConfirmed, TransactionACK, DBlockConfirmed, Invalid. */
export interface Acknowledgement {
  readonly commit: string;
  readonly entry: string;
}

export interface PendingEntry {
  readonly entryHash: string;
  readonly chainId: string;
  readonly status: string;
}

/**
 * A node. Hashes are hex. Undefined answers: the node does not have it. Every method rejects with the CodedErrors of
 * `createRpcCall`. It rejects with `factomd-reply` also where an answer has another shape or another hash than was asked for.
 * The node takes a commit or reveal without checking balances: only the chain shows whether it got in.
 */
export interface Factomd {
  heights(): Promise<Heights>;
  currentMinute(): Promise<CurrentMinute>;
  dblockByHeight(height: number): Promise<(DirectoryBlock & { readonly keyMr: string }) | undefined>;
  entryBlock(keyMr: string): Promise<EntryBlock | undefined>;
  entry(hash: string): Promise<Entry | undefined>;
  rawData(hash: string): Promise<Uint8Array | undefined>;
  /** KeyMR of the chain's newest entry block; undefined for a chain without one. */
  chainHead(chainId: string): Promise<string | undefined>;
  commitEntry(message: Uint8Array): Promise<CommitAnswer>;
  revealEntry(raw: Uint8Array): Promise<{ readonly entryHash: string }>;
  /** The same two for a chain's first entry. */
  commitChain(message: Uint8Array): Promise<CommitAnswer>;
  revealChain(raw: Uint8Array): Promise<{ readonly entryHash: string }>;
  ack(hash: string, chainId: string): Promise<Acknowledgement>;
  pendingEntries(): Promise<readonly PendingEntry[]>;
  entryCreditBalance(address: string): Promise<number>;
}

/** "Block not found" and its kin; "Missing Chain Head"; "Repeated Commit". */
const NOT_FOUND = [-32008, -32009];
const REPEATED_COMMIT = -32011;

const HASH = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const HEIGHT = v.pipe(v.number(), v.integer(), v.minValue(0));
const HEX = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{2})*$/i));
const STATUS = v.object({ status: v.string() });

const HEIGHTS = v.object({ directoryblockheight: HEIGHT, leaderheight: HEIGHT, entryheight: HEIGHT });
const MINUTE = v.object({
  leaderheight: HEIGHT,
  directoryblockheight: HEIGHT,
  minute: HEIGHT,
  directoryblockinseconds: v.number(),
});
const DBLOCK = v.object({ dblock: v.object({ keymr: HASH }), rawdata: HEX });
const RAW = v.object({ data: HEX });
const HEAD = v.object({ chainhead: v.union([HASH, v.literal("")]) });
const COMMITTED = v.object({ txid: v.string(), entryhash: v.string() });
const REVEALED = v.object({ entryhash: v.string() });
const ACK = v.object({ commitdata: STATUS, entrydata: STATUS });
const PENDING = v.nullable(
  v.array(v.object({ entryhash: v.string(), chainid: v.string(), status: v.string() })),
);
const BALANCE = v.object({ balance: v.number() });

/** A client of one node. Keeps no state: calls may overlap. */
export function createFactomd(options: RpcOptions, modules: RpcModules): Factomd {
  const rpc = createRpcCall(options, modules);
  const ask: Ask = async (schema, method, params) => {
    const result = v.safeParse(schema, await rpc(method, params));
    if (result.success) return result.output;
    const [issue] = result.issues;
    throw badReply(options, method, `${v.getDotPath(issue) ?? "result"}: ${issue.message}`);
  };
  return { ...readers(options, ask), ...writers(ask) };
}

type Ask = <S extends v.GenericSchema>(
  schema: S,
  method: string,
  params?: Readonly<Record<string, unknown>>,
) => Promise<v.InferOutput<S>>;

type Writers = Pick<
  Factomd,
  | "commitEntry"
  | "revealEntry"
  | "commitChain"
  | "revealChain"
  | "ack"
  | "pendingEntries"
  | "entryCreditBalance"
>;

function readers(options: RpcOptions, ask: Ask): Omit<Factomd, keyof Writers> {
  const rawData = async (hash: string): Promise<Uint8Array | undefined> => {
    const found = await orUndefined(ask(RAW, "raw-data", { hash }));
    return found === undefined ? undefined : fromHex(found.data);
  };
  const checked = <T>(method: string, parsed: ParsedBlock<T>, keyMr: string): T => {
    if (!parsed.ok) throw badReply(options, method, `the block's bytes do not parse (${parsed.reason})`);
    if (parsed.hashes.keyMr === keyMr) return parsed.block;
    throw badReply(options, method, `expected the block ${keyMr}, got ${parsed.hashes.keyMr}`);
  };
  return {
    rawData,
    async heights() {
      const reply = await ask(HEIGHTS, "heights");
      return {
        directoryBlock: reply.directoryblockheight,
        leader: reply.leaderheight,
        entry: reply.entryheight,
      };
    },
    async currentMinute() {
      const reply = await ask(MINUTE, "current-minute");
      return {
        leaderHeight: reply.leaderheight,
        directoryBlockHeight: reply.directoryblockheight,
        minute: reply.minute,
        blockSeconds: reply.directoryblockinseconds,
      };
    },
    async dblockByHeight(height) {
      const reply = await orUndefined(ask(DBLOCK, "dblock-by-height", { height }));
      if (reply === undefined) return undefined;
      const keyMr = reply.dblock.keymr;
      const block = checked("dblock-by-height", parseDirectoryBlock(fromHex(reply.rawdata)), keyMr);
      if (block.height === height) return { ...block, keyMr };
      throw badReply(options, "dblock-by-height", `expected height ${height}, got ${block.height}`);
    },
    async entryBlock(keyMr) {
      const raw = await rawData(keyMr);
      return raw === undefined ? undefined : checked("raw-data", parseEntryBlock(raw), keyMr);
    },
    async entry(hash) {
      const raw = await rawData(hash);
      if (raw === undefined) return undefined;
      const parsed = parseEntry(raw);
      if (parsed.ok && entryHash(raw) === hash) return parsed.entry;
      throw badReply(options, "raw-data", `expected the entry ${hash}, got other bytes`);
    },
    async chainHead(chainId) {
      const reply = await orUndefined(ask(HEAD, "chain-head", { chainid: chainId }));
      return reply?.chainhead || undefined;
    },
  };
}

function writers(ask: Ask): Writers {
  const commit = async (method: string, message: Uint8Array): Promise<CommitAnswer> => {
    try {
      const reply = await ask(COMMITTED, method, { message: toHex(message) });
      return { kind: "accepted", txId: reply.txid, entryHash: reply.entryhash };
    } catch (thrown) {
      if (rpcCodeOf(thrown) === REPEATED_COMMIT) return { kind: "repeated" };
      throw thrown;
    }
  };
  const reveal = async (method: string, raw: Uint8Array): Promise<{ readonly entryHash: string }> => ({
    entryHash: (await ask(REVEALED, method, { entry: toHex(raw) })).entryhash,
  });
  return {
    commitEntry: (message) => commit("commit-entry", message),
    revealEntry: (raw) => reveal("reveal-entry", raw),
    commitChain: (message) => commit("commit-chain", message),
    revealChain: (raw) => reveal("reveal-chain", raw),
    async ack(hash, chainId) {
      const reply = await ask(ACK, "ack", { hash, chainid: chainId });
      return { commit: reply.commitdata.status, entry: reply.entrydata.status };
    },
    async pendingEntries() {
      const reply = (await ask(PENDING, "pending-entries", {})) ?? [];
      return reply.map((one) => ({ entryHash: one.entryhash, chainId: one.chainid, status: one.status }));
    },
    async entryCreditBalance(address) {
      return (await ask(BALANCE, "entry-credit-balance", { address })).balance;
    },
  };
}

async function orUndefined<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (thrown) {
    if (NOT_FOUND.includes(rpcCodeOf(thrown) ?? 0)) return undefined;
    throw thrown;
  }
}

function rpcCodeOf(thrown: unknown): number | undefined {
  const code = thrown instanceof CodedError ? thrown.data["rpcCode"] : undefined;
  return typeof code === "number" ? code : undefined;
}

function badReply(options: RpcOptions, method: string, what: string): CodedError {
  return new CodedError("factomd-reply", hideSecrets(`factomd at ${options.url}: ${method}: ${what}`), {
    data: { url: hideSecrets(options.url), method },
  });
}
