/**
 * Server-sent events: the connections on which open pages hear what has changed. Only where the pool runs for itself; on Lambda each open page
 * would keep an instance busy.
 */

import type { ServerResponse } from "node:http";
import { constants, createGzip, type Gzip } from "node:zlib";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { LiveHub } from "../../functions/api/stream/hub.ts";
import type { LiveMessage } from "../../functions/api/stream/topic.ts";
import { errorReply, type HttpReply, SECURITY_HEADERS } from "../../functions/http.ts";
import type { Clock, Timer } from "../../shared/clock.ts";
import { addressKey } from "../../shared/ip-address.ts";

/** A page's own stream takes some 200 KB, most of it the window of its compression. */
const MAX_STREAMS = 400;
/** A browser opens six connections to a host, and a hidden page has no stream. */
const MAX_PER_ADDRESS = 24;
/** Who reads so slowly that this much waits is hung up on: it comes back, and is told what it missed. */
const MAX_WAITING_BYTES = 128 * 1024;
/** Under the web server's limit for a connection without a byte. */
const KEEP_ALIVE_MS = 20_000;
/** A browser asks again after so long. */
const RETRY_MS = 3000;

export const STREAM_PATH = "/api/live";

export interface LiveStreams {
  /** Answers with a stream, or with why there is none. */
  open(asked: StreamRequest, response: ServerResponse): Promise<HttpReply | undefined>;
  /** Ends every stream; none is opened any more. */
  stop(): void;
  readonly size: number;
}

export interface StreamRequest {
  readonly event: APIGatewayProxyEventV2;
  /** The visitor's address. */
  readonly from: string;
}

export interface StreamModules {
  readonly hub: LiveHub;
  readonly clock: Clock;
  /** The logged-in user of a request. */
  whoIs(event: APIGatewayProxyEventV2): Promise<string | undefined>;
}

interface Stream {
  readonly key: string;
  end(): void;
}

const FULL = errorReply(503, "busy", "too many pages are open: this one asks from time to time instead");

export function createLiveStreams({ hub, clock, whoIs }: StreamModules): LiveStreams {
  const open = new Set<Stream>();
  let isStopped = false;
  return {
    get size() {
      return open.size;
    },
    async open({ event, from }, response) {
      const query = new URLSearchParams(event.rawQueryString);
      const name = query.get("topic");
      if (name !== "pool" && name !== "me")
        return errorReply(400, "bad-input", "query topic: expected pool or me");
      const user = name === "me" ? await whoIs(event) : undefined;
      if (name === "me" && user === undefined)
        return errorReply(401, "not-logged-in", "log in first: your session is missing or over");
      const key = addressKey(from);
      const own = [...open].filter((stream) => stream.key === key).length;
      if (isStopped || open.size >= MAX_STREAMS || own >= MAX_PER_ADDRESS) return FULL;
      // It may have gone while its session was looked up.
      if (response.destroyed) return undefined;
      const line = startLine(response, takesGzip(event));
      const topic = user === undefined ? { name: "pool" as const } : { name: "me" as const, user };
      const lastId = event.headers["last-event-id"] ?? query.get("after") ?? undefined;
      const unfollow = hub.follow(topic, (message) => line.write(textOf(message)), lastId);
      const stillWelcome = async (): Promise<boolean> => user === undefined || (await whoIs(event)) === user;
      const stream: Stream = { key, end: line.end };
      open.add(stream);
      const ended = keepAlive(line, { clock, stillWelcome });
      response.once("close", () => {
        ended.stop();
        unfollow();
        line.close();
        open.delete(stream);
      });
      return undefined;
    },
    stop() {
      isStopped = true;
      for (const stream of open) stream.end();
      hub.stop();
    },
  };
}

/** By gzip only: a browser takes brotli on https alone, and each of its windows is some megabytes. */
function takesGzip(event: APIGatewayProxyEventV2): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(event.headers["accept-encoding"] ?? "");
}

function textOf({ id, event, data }: LiveMessage): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}

interface Line {
  write(text: string): void;
  end(): void;
  close(): void;
}

function startLine(response: ServerResponse, isZipped: boolean): Line {
  response.writeHead(200, {
    ...SECURITY_HEADERS,
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "private, no-store",
    // A proxy that gathers what it passes on would hold it back.
    "x-accel-buffering": "no",
    ...(isZipped && { "content-encoding": "gzip" }),
  });
  const zip: Gzip | undefined = isZipped ? createGzip({ flush: constants.Z_SYNC_FLUSH }) : undefined;
  zip?.pipe(response);
  const target = zip ?? response;
  const line: Line = {
    write(text) {
      if (response.destroyed || response.writableEnded) return;
      const waiting = response.writableLength + (zip?.writableLength ?? 0) + (zip?.readableLength ?? 0);
      if (waiting > MAX_WAITING_BYTES) response.destroy();
      else target.write(text);
    },
    end: () => void target.end(),
    close: () => zip?.destroy(),
  };
  line.write(`retry: ${RETRY_MS}\n\n`);
  return line;
}

/** A comment now and then; a session that is over ends the stream. */
function keepAlive(line: Line, modules: { clock: Clock; stillWelcome: () => Promise<boolean> }): Timer {
  const { clock, stillWelcome } = modules;
  let isOver = false;
  let timer = clock.after(KEEP_ALIVE_MS, turn);
  function turn(): void {
    line.write(":\n\n");
    void stillWelcome()
      // A database that is away ends no session.
      .catch(() => true)
      .then((isWelcome) => {
        if (!isWelcome) line.end();
        else if (!isOver) timer = clock.after(KEEP_ALIVE_MS, turn);
      });
  }
  return {
    stop() {
      isOver = true;
      timer.stop();
    },
  };
}
