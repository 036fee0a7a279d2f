/** A factomd that serves the recorded blocks byte for byte, up to a height that the test moves, and keeps what it is sent. */

import * as v from "valibot";
import { startNodeServer } from "../../../infra/devnet/node-server.ts";
import type { OpenServer } from "../../../infra/devnet/open-server.ts";
import { HASH, HEX, RpcError, type RpcMethod, readParams } from "../../../infra/devnet/rpc-methods.ts";
import { fromHex } from "../../../shared/bytes.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { parseCommit } from "../../../shared/factom/commit.ts";
import { entryHash } from "../../../shared/factom/entry.ts";
import { SILENT } from "../../../shared/logger.ts";
import type { RecordedBlock } from "./recording.ts";

export interface NodeMessage {
  readonly kind: "commit" | "reveal";
  readonly hex: string;
  readonly entryHash: string;
}

export interface RecordedNode {
  /** The last saved block. */
  height: number;
  readonly url: string;
  /** Commits and reveals in order. */
  readonly messages: NodeMessage[];
  /** Calls by method. */
  readonly calls: Map<string, number>;
  close(): Promise<void>;
}

const IDLE = {
  stall: false,
  skip: 0,
  errors: 0,
  delayMs: 0,
  savedHeight: 0,
  tipHeight: 0,
  minute: 1,
  rivalHashes: 0,
};

export async function startRecordedNode(
  blocks: readonly RecordedBlock[],
  height: number,
): Promise<RecordedNode> {
  const node = new Node(blocks, height);
  const methods = new Map<string, RpcMethod>([
    ["heights", () => node.heights()],
    ["current-minute", () => node.minute()],
    ["dblock-by-height", (params) => node.directoryBlock(params)],
    ["raw-data", (params) => node.rawData(params)],
    ["commit-entry", (params) => node.commit(params)],
    ["reveal-entry", (params) => node.reveal(params)],
  ]);
  const counted = [...methods].map(([name, method]): [string, RpcMethod] => [
    name,
    (params) => {
      node.calls.set(name, (node.calls.get(name) ?? 0) + 1);
      return method(params);
    },
  ]);
  node.listening = await startNodeServer(
    { host: "127.0.0.1", port: 0, hangMs: 1 },
    {
      factomd: new Map(counted),
      pegnetd: new Map(),
      control: () => undefined,
      state: () => IDLE,
      clock: systemClock,
      random: systemRandom,
      logger: SILENT,
    },
  );
  return node;
}

class Node implements RecordedNode {
  height: number;
  listening: OpenServer | undefined;
  readonly messages: NodeMessage[] = [];
  readonly calls = new Map<string, number>();
  readonly #blocks: readonly RecordedBlock[];
  /** Every raw object with the height at which it is saved, by its hash. */
  readonly #objects = new Map<string, { readonly height: number; readonly hex: string }>();

  constructor(blocks: readonly RecordedBlock[], height: number) {
    this.#blocks = blocks;
    this.height = height;
    for (const block of blocks) {
      const { eblockKeyMR, eblockRaw, entryHashes, oprEntries } = block;
      if (eblockKeyMR !== undefined && eblockRaw !== undefined)
        this.#objects.set(eblockKeyMR, { height: block.height, hex: eblockRaw });
      for (const [i, hash] of (entryHashes ?? []).entries())
        this.#objects.set(hash, { height: block.height, hex: oprEntries?.[i] ?? "" });
    }
  }

  get url(): string {
    return `${this.listening?.url}/v2`;
  }

  async close(): Promise<void> {
    await this.listening?.close();
  }

  heights(): object {
    return { directoryblockheight: this.height, leaderheight: this.height + 1, entryheight: this.height };
  }

  minute(): object {
    return {
      leaderheight: this.height + 1,
      directoryblockheight: this.height,
      minute: 1,
      directoryblockinseconds: 600,
    };
  }

  directoryBlock(params: unknown): object {
    const { height } = readParams(v.object({ height: v.number() }), params);
    const block = this.#blocks.find((one) => one.height === height && height <= this.height);
    if (block === undefined) throw new RpcError(-32008, "Block not found");
    return { dblock: { keymr: block.dblockKeyMR }, rawdata: block.dblockRaw };
  }

  rawData(params: unknown): object {
    const { hash } = readParams(v.object({ hash: HASH }), params);
    const found = this.#objects.get(hash);
    if (found === undefined || found.height > this.height) throw new RpcError(-32008, "Object not found");
    return { data: found.hex };
  }

  commit(params: unknown): object {
    const { message } = readParams(v.object({ message: HEX }), params);
    const parsed = parseCommit(fromHex(message));
    if (!parsed.ok) throw new RpcError(-32602, "Invalid params", parsed.reason);
    const { entryHash: hash, txId } = parsed.commit;
    this.messages.push({ kind: "commit", hex: message, entryHash: hash });
    return { message: "Entry Commit Success", txid: txId, entryhash: hash };
  }

  reveal(params: unknown): object {
    const { entry } = readParams(v.object({ entry: HEX }), params);
    const hash = entryHash(fromHex(entry));
    this.messages.push({ kind: "reveal", hex: entry, entryHash: hash });
    return { message: "Entry Reveal Success", entryhash: hash };
  }
}
