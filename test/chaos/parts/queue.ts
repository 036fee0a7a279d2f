/** A queue like SQS over HTTP, in memory: what it holds dies with it, and what is not deleted in time comes again. */

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { partOptions, tell } from "../options.ts";

const VISIBILITY_MS = 2_000;
const BATCH = 10;
const MOST = 50_000;
/** Every so manieth message is delivered twice. */
const TWICE = 20;

interface Message {
  readonly id: string;
  readonly body: string;
  visibleAtMs: number;
}

const messages = new Map<string, Message>();
let sent = 0;

function answer(path: string, body: string): unknown {
  if (path === "/send") {
    if (messages.size >= MOST) return undefined;
    sent += 1;
    for (let copy = 0; copy < (sent % TWICE === 0 ? 2 : 1); copy++) {
      const id = randomUUID();
      messages.set(id, { id, body, visibleAtMs: 0 });
    }
    return {};
  }
  if (path === "/delete") {
    for (const id of JSON.parse(body) as string[]) messages.delete(id);
    return {};
  }
  const nowMs = performance.now();
  const due = [...messages.values()].filter(({ visibleAtMs }) => visibleAtMs <= nowMs);
  // In no order that the senders chose.
  const batch = due.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, BATCH);
  for (const message of batch) message.visibleAtMs = nowMs + VISIBILITY_MS;
  return batch.map(({ id, body: text }) => ({ id, body: text }));
}

const { port } = partOptions();
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const result = answer(request.url ?? "", Buffer.concat(chunks).toString());
    response.statusCode = result === undefined ? 503 : 200;
    response.end(JSON.stringify(result ?? {}));
  });
});
server.listen(port, "127.0.0.1", () => {
  const address = server.address();
  tell({ ready: true, port: typeof address === "object" ? address?.port : port });
});
