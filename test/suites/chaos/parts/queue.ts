/**
 * A queue like SQS over HTTP: what it accepted is on disk and survives its own death, what is not deleted in time comes again, some of it
 * twice, in any order. Without the first an edge would send its messages again only after minutes, or when it is started anew.
 */

import { randomUUID } from "node:crypto";
import { existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
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

const { folder, port } = partOptions();
const messages = new Map<string, Message>();
let sent = 0;
const file = openLog(join(folder, "queue.log"));

/** A line a message, and one for each deletion. A line without its end was never acknowledged. */
function openLog(path: string): number {
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  for (const line of lines) {
    const { id, body } = JSON.parse(line) as { id: string; body?: string };
    if (body === undefined) messages.delete(id);
    else messages.set(id, { id, body, visibleAtMs: 0 });
  }
  // Written anew beside the old one, which stands until the new one is whole.
  const log = openSync(`${path}.new`, "w");
  for (const { id, body } of messages.values()) writeSync(log, `${JSON.stringify({ id, body })}\n`);
  fsyncSync(log);
  renameSync(`${path}.new`, path);
  return log;
}

function keep(entries: readonly { id: string; body?: string }[]): void {
  writeSync(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  fsyncSync(file);
}

function answer(path: string, body: string): unknown {
  if (path === "/send") {
    if (messages.size >= MOST) return undefined;
    sent += 1;
    const copies = Array.from({ length: sent % TWICE === 0 ? 2 : 1 }, () => ({ id: randomUUID(), body }));
    keep(copies);
    for (const { id } of copies) messages.set(id, { id, body, visibleAtMs: 0 });
    return {};
  }
  if (path === "/delete") {
    const ids = JSON.parse(body) as string[];
    keep(ids.map((id) => ({ id })));
    for (const id of ids) messages.delete(id);
    return {};
  }
  const nowMs = performance.now();
  const due = [...messages.values()].filter(({ visibleAtMs }) => visibleAtMs <= nowMs);
  // In no order that the senders chose.
  const batch = due.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, BATCH);
  for (const message of batch) message.visibleAtMs = nowMs + VISIBILITY_MS;
  return batch.map(({ id, body: text }) => ({ id, body: text }));
}

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
