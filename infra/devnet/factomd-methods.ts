/** factomd's JSON-RPC v2 methods over the devnet's chain; shapes, codes and words are those of its `wsapi`. */

import * as v from "valibot";
import { fromHex, toHex } from "../../shared/bytes.ts";
import type { Clock } from "../../shared/clock.ts";
import { parseAddress } from "../../shared/factom/address.ts";
import { type Commit, type ParsedCommit, parseChainCommit, parseCommit } from "../../shared/factom/commit.ts";
import { chainIdOf, entryHash, parseEntry } from "../../shared/factom/entry.ts";
import { type DevnetChain, directoryBlockOf, entryBlockOf } from "./chain.ts";
import type { BlockRecord } from "./chain-records.ts";
import type { Mempool } from "./mempool.ts";
import type { Network } from "./network.ts";
import { HASH, HEX, invalidParams, RpcError, type RpcMethod, readParams } from "./rpc-methods.ts";
import { MINUTES } from "./schedule.ts";

export interface NodeModules {
  readonly chain: DevnetChain;
  readonly mempool: Mempool;
  readonly network: Network;
  readonly clock: Clock;
  readonly blockMs: number;
}

const notFound = (what: string): RpcError => new RpcError(-32008, `${what} not found`);
const NANOSECONDS = 1_000_000;

/** All methods by name. */
export function factomdMethods(modules: NodeModules): ReadonlyMap<string, RpcMethod> {
  return new Map([
    ...statusMethods(modules),
    ...blockMethods(modules),
    ...entryMethods(modules),
    ...writeMethods(modules),
  ]);
}

function statusMethods({ network, clock, blockMs, chain }: NodeModules): [string, RpcMethod][] {
  return [
    [
      "heights",
      () => {
        const { savedHeight, leaderHeight } = network.position();
        return {
          directoryblockheight: savedHeight,
          leaderheight: leaderHeight,
          entryblockheight: savedHeight,
          entryheight: savedHeight,
          missingentrycount: 0,
          entryblockdbheightprocessing: savedHeight + 1,
          entryblockdbheightcomplete: savedHeight,
        };
      },
    ],
    [
      "current-minute",
      () => {
        const { savedHeight, leaderHeight, minute } = network.position();
        const now = clock.wallMs();
        const blockStart = now - network.elapsedMs();
        return {
          leaderheight: leaderHeight,
          directoryblockheight: savedHeight,
          minute,
          currentblockstarttime: Math.round(blockStart) * NANOSECONDS,
          currentminutestarttime: Math.round(blockStart + (minute * blockMs) / MINUTES) * NANOSECONDS,
          currenttime: now * NANOSECONDS,
          // Whole seconds: Go clients read an integer.
          directoryblockinseconds: Math.max(1, Math.round(blockMs / 1000)),
          stalldetected: false,
          faulttimeout: 120,
          roundtimeout: 30,
        };
      },
    ],
    ["properties", () => ({ factomdversion: "prosper-devnet", factomdapiversion: "2.0" })],
    [
      "entry-credit-balance",
      (params) => {
        const { address } = readParams(v.object({ address: v.string() }), params);
        const parsed = parseAddress("EC", address);
        if (parsed.ok) return { balance: chain.credits(toHex(parsed.bytes)) };
        if (/^[0-9a-f]{64}$/i.test(address)) return { balance: chain.credits(address.toLowerCase()) };
        throw invalidParams("Invalid Address");
      },
    ],
  ];
}

/** The block at a height that this node has saved. */
function savedBlock({ chain, network }: NodeModules, height: number | undefined): BlockRecord | undefined {
  if (height === undefined || height > network.position().savedHeight) return undefined;
  return chain.block(height);
}

function blockMethods(modules: NodeModules): [string, RpcMethod][] {
  const { chain } = modules;
  const byHash = (hash: string): BlockRecord | undefined => savedBlock(modules, chain.heightOf(hash));
  return [
    [
      "dblock-by-height",
      (params) => {
        const { height } = readParams(v.object({ height: v.number() }), params);
        const block = savedBlock(modules, height);
        if (block === undefined) throw notFound("Block");
        return { dblock: directoryBlockJson(block), rawdata: toHex(directoryBlockOf(block).raw) };
      },
    ],
    [
      "directory-block",
      (params) => {
        const { keymr } = readParams(v.object({ keymr: HASH }), params, "Invalid Hash");
        const block = byHash(keymr);
        if (block?.keyMr !== keymr) throw notFound("Block");
        const { header, dbentries } = directoryBlockJson(block);
        const timestamp = block.timestampMinutes * 60;
        return {
          header: { prevblockkeymr: header.prevkeymr, sequencenumber: block.height, timestamp },
          entryblocklist: dbentries,
        };
      },
    ],
    [
      "directory-block-head",
      () => ({ keymr: savedBlock(modules, modules.network.position().savedHeight)?.keyMr ?? "" }),
    ],
    [
      "entry-block",
      (params) => {
        const { keymr } = readParams(v.object({ keymr: HASH }), params, "Invalid Hash");
        const block = byHash(keymr);
        const found = block?.chains.find((one) => one.keyMr === keymr);
        if (block === undefined || found === undefined) throw notFound("Block");
        const timestamp = block.timestampMinutes * 60;
        return {
          header: {
            blocksequencenumber: found.sequence,
            chainid: found.chainId,
            prevkeymr: found.prevKeyMr,
            timestamp,
            dbheight: block.height,
          },
          entrylist: found.entries.map(({ hash, minute }) => ({
            entryhash: hash,
            timestamp: timestamp + 60 * minute,
          })),
        };
      },
    ],
    [
      "chain-head",
      (params) => {
        const { chainid } = readParams(v.object({ chainid: HASH }), params, "Invalid Hash");
        const head = headAt(modules, chainid);
        const chaininprocesslist = modules.mempool.ready().some((entry) => entry.chainId === chainid);
        if (head === undefined && !chaininprocesslist) throw new RpcError(-32009, "Missing Chain Head");
        return { chainhead: head ?? "", chaininprocesslist };
      },
    ],
  ];
}

/** KeyMR of the chain's newest entry block that this node has saved. */
function headAt(modules: NodeModules, chainId: string): string | undefined {
  const { chain, network } = modules;
  const { savedHeight } = network.position();
  if (savedHeight === chain.tip?.height) return chain.head(chainId)?.keyMr;
  for (let height = savedHeight; chain.block(height) !== undefined; height--) {
    const found = chain.block(height)?.chains.find((one) => one.chainId === chainId);
    if (found !== undefined) return found.keyMr;
  }
  return undefined;
}

function entryMethods(modules: NodeModules): [string, RpcMethod][] {
  const { chain, mempool } = modules;
  const findEntry = async (hash: string): Promise<Uint8Array | undefined> => {
    const isSaved = savedBlock(modules, chain.heightOf(hash)) !== undefined;
    const saved = isSaved ? await chain.entry(hash) : undefined;
    return saved ?? mempool.ready().find((entry) => entry.hash === hash)?.raw;
  };
  return [
    [
      "entry",
      async (params) => {
        const { hash } = readParams(v.object({ hash: HASH }), params, "Invalid Hash");
        const raw = await findEntry(hash);
        const parsed = raw === undefined ? undefined : parseEntry(raw);
        if (!parsed?.ok) throw notFound("Entry");
        const { chainId, extIds, content } = parsed.entry;
        return { chainid: chainId, content: toHex(content), extids: extIds.map(toHex) };
      },
    ],
    [
      "raw-data",
      async (params) => {
        const { hash } = readParams(v.object({ hash: HASH }), params, "Invalid Hash");
        const block = savedBlock(modules, chain.heightOf(hash));
        const eblock = block?.chains.find((one) => one.keyMr === hash);
        if (block?.keyMr === hash) return { data: toHex(directoryBlockOf(block).raw) };
        if (block !== undefined && eblock !== undefined)
          return { data: toHex(entryBlockOf(block.height, eblock).raw) };
        const raw = await findEntry(hash);
        if (raw === undefined) throw notFound("Object");
        return { data: toHex(raw) };
      },
    ],
    [
      "pending-entries",
      () =>
        mempool.revealed().map(({ hash, chainId }) => ({
          entryhash: hash,
          chainid: chainId,
          status: mempool.isPaid(hash) ? "TransactionACK" : "NotConfirmed",
        })),
    ],
    ["ack", (params) => acknowledge(modules, params)],
    ["entry-ack", (params) => acknowledge(modules, params)],
  ];
}

const ACK = v.object({ hash: v.optional(HASH), txid: v.optional(HASH), fulltransaction: v.optional(HEX) });

/** By entry hash or by the commit's transaction id. */
function acknowledge(modules: NodeModules, params: unknown): object {
  const { chain, mempool } = modules;
  const asked = readParams(ACK, params);
  const name =
    asked.hash ?? asked.txid ?? (asked.fulltransaction && entryHash(fromHex(asked.fulltransaction)));
  if (name === undefined) throw invalidParams();
  const hash = mempool.entryOfTx(name) ?? name;
  const txId = mempool.txOfEntry(hash);
  const isSaved = savedBlock(modules, chain.heightOf(hash)) !== undefined;
  const isRevealed = mempool.revealed().some((entry) => entry.hash === hash);
  const pending = mempool.isPaid(hash) ? "TransactionACK" : isRevealed ? "NotConfirmed" : "Unknown";
  const entryStatus = isSaved ? "DBlockConfirmed" : pending;
  const commitStatus = isSaved ? "DBlockConfirmed" : txId === undefined ? "Unknown" : "TransactionACK";
  return {
    committxid: txId ?? "",
    entryhash: entryStatus === "Unknown" && txId === undefined ? "" : hash,
    commitdata: { status: commitStatus },
    entrydata: { status: entryStatus },
  };
}

function writeMethods({ chain, mempool, network }: NodeModules): [string, RpcMethod][] {
  const commit = (params: unknown, parse: (message: Uint8Array) => ParsedCommit, kind: string): Commit => {
    const { message } = readParams(v.object({ message: HEX }), params, `Invalid Commit ${kind}`);
    const parsed = parse(fromHex(message));
    if (!parsed.ok) throw invalidParams(`Invalid Commit ${kind}`);
    const { commit } = parsed;
    // An unpaid commit gets success and is then forgotten, as in factomd, which looks at balances later.
    if (chain.heightOf(commit.entryHash) !== undefined || !mempool.commit(commit, network.moment()))
      throw new RpcError(-32011, "Repeated Commit", {
        info: "A commit with equal or greater payment already exists",
        entryhash: commit.entryHash,
      });
    return commit;
  };
  const reveal = (params: unknown, isFirst: boolean): object => {
    const { entry } = readParams(v.object({ entry: HEX }), params, "Invalid Entry");
    const raw = fromHex(entry);
    const parsed = parseEntry(raw);
    if (!parsed.ok || (isFirst && parsed.entry.chainId !== chainIdOf(parsed.entry.extIds)))
      throw invalidParams("Invalid Entry");
    const hash = entryHash(raw);
    if (chain.heightOf(hash) === undefined) mempool.reveal(parsed.entry, raw, hash, network.moment());
    return { message: "Entry Reveal Success", entryhash: hash, chainid: parsed.entry.chainId };
  };
  return [
    [
      "commit-entry",
      (params) => {
        const { txId, entryHash: hash } = commit(params, parseCommit, "Entry");
        return { message: "Entry Commit Success", txid: txId, entryhash: hash };
      },
    ],
    [
      "commit-chain",
      (params) => {
        const { txId, entryHash: hash, chain: made } = commit(params, parseChainCommit, "Chain");
        return {
          ...{ message: "Chain Commit Success", txid: txId, entryhash: hash },
          chainidhash: made?.idHash,
        };
      },
    ],
    ["reveal-entry", (params) => reveal(params, false)],
    ["reveal-chain", (params) => reveal(params, true)],
  ];
}

interface DirectoryBlockJson {
  readonly header: {
    readonly prevkeymr: string;
    readonly timestamp: number;
    readonly dbheight: number;
  } & Record<string, unknown>;
  readonly dbentries: readonly { readonly chainid: string; readonly keymr: string }[];
  readonly dbhash: string;
  readonly keymr: string;
}

function directoryBlockJson(block: BlockRecord): DirectoryBlockJson {
  const { raw, hashes } = directoryBlockOf(block);
  const count = (raw.length - 113) / 64;
  const at = (index: number): string => toHex(raw.subarray(113 + index * 32, 145 + index * 32));
  return {
    header: {
      version: 0,
      networkid: 0xfa92e5a4,
      bodymr: hashes.bodyMr,
      prevkeymr: block.prevKeyMr,
      prevfullhash: block.prevFullHash,
      timestamp: block.timestampMinutes,
      dbheight: block.height,
      blockcount: count,
      chainid: "0d".padStart(64, "0"),
    },
    dbentries: Array.from({ length: count }, (_, i) => ({ chainid: at(2 * i), keymr: at(2 * i + 1) })),
    dbhash: hashes.fullHash,
    keymr: block.keyMr,
  };
}
