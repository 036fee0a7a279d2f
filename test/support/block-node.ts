/** A factomd on a socket with one block of OPR entries, which may be slow, refuse some entries, or bear only so many calls at a time. */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { toHex } from "../../shared/bytes.ts";
import { encodeDirectoryBlock, encodeEntryBlock } from "../../shared/factom/block.ts";
import { encodeEntry, entryHash, OPR_CHAIN } from "../../shared/factom/entry.ts";

export interface BlockNode {
  readonly url: string;
  /** In the order of the chain. */
  readonly hashes: readonly string[];
  readonly raws: readonly Uint8Array[];
  /** Each answer takes so long. */
  delayMs: number;
  /** Beyond so many calls at a time it answers HTTP 503. */
  bears: number;
  /** Tells whether the call for this entry, the so manieth, fails. */
  fails: (hash: string, call: number) => boolean;
  /** Tells whether the call for this entry, the so manieth, gets no answer. */
  hangs: (hash: string, call: number) => boolean;
  /** Entries it does not have (yet). */
  readonly lacks: Set<string>;
  /** Calls for entries, in order. */
  readonly asked: string[];
  readonly most: { calls: number; sockets: number };
  close(): Promise<void>;
}

export const BLOCK_HEIGHT = 1000;

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params?: { readonly hash?: string; readonly height?: number };
}

export async function startBlockNode(count: number): Promise<BlockNode> {
  const raws = Array.from({ length: count }, (_, i) =>
    encodeEntry({
      chainId: OPR_CHAIN,
      extIds: [Uint8Array.of(i & 0xff, i >> 8)],
      content: new Uint8Array(300).fill(i),
    }),
  );
  const hashes = raws.map(entryHash);
  const none = "0".repeat(64);
  const eblock = encodeEntryBlock({
    ...{ chainId: OPR_CHAIN, prevKeyMr: none, prevFullHash: none, sequence: 0, height: BLOCK_HEIGHT },
    entries: hashes.map((hash) => ({ hash, minute: 1 })),
  });
  const dblock = encodeDirectoryBlock({
    ...{
      networkId: "fa92e5a4",
      prevKeyMr: none,
      prevFullHash: none,
      timestampMinutes: 1,
      height: BLOCK_HEIGHT,
    },
    entryBlocks: [
      ...["0a", "0c", "0f"].map((id) => ({ chainId: id.padStart(64, "0"), keyMr: "1".repeat(64) })),
      { chainId: OPR_CHAIN, keyMr: eblock.hashes.keyMr },
    ],
  });
  const objects = new Map(hashes.map((hash, i) => [hash, raws[i] ?? new Uint8Array()]));
  objects.set(eblock.hashes.keyMr, eblock.raw);

  const lookUp = ({ id, method, params }: Call): { status: number; body: object } => {
    if (method === "dblock-by-height") {
      const result = { dblock: { keymr: dblock.hashes.keyMr }, rawdata: toHex(dblock.raw) };
      return { status: 200, body: { id, result } };
    }
    const hash = params?.hash ?? "";
    const raw = node.lacks.has(hash) ? undefined : objects.get(hash);
    if (raw !== undefined) return { status: 200, body: { id, result: { data: toHex(raw) } } };
    return { status: 400, body: { id, error: { code: -32008, message: "Object not found" } } };
  };
  let underWay = 0;
  const receive = (call: Call, response: ServerResponse): void => {
    const hash = call.params?.hash ?? "";
    const isEntry = hash !== "" && hash !== eblock.hashes.keyMr;
    if (isEntry) node.asked.push(hash);
    underWay += 1;
    node.most.calls = Math.max(node.most.calls, underWay);
    const isOver = underWay > node.bears;
    const isBroken = isEntry && node.fails(hash, node.asked.length);
    if (isEntry && node.hangs(hash, node.asked.length)) return;
    setTimeout(() => {
      underWay -= 1;
      const { status, body } = isOver || isBroken ? { status: 503, body: {} } : lookUp(call);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    }, node.delayMs);
  };
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => receive(JSON.parse(body) as Call, response));
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    node.most.sockets = sockets.size;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const node: BlockNode = {
    url: `http://127.0.0.1:${port}/v2`,
    ...{ hashes, raws, delayMs: 0, bears: Number.POSITIVE_INFINITY, fails: () => false, hangs: () => false },
    ...{ lacks: new Set(), asked: [], most: { calls: 0, sockets: 0 } },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return node;
}
