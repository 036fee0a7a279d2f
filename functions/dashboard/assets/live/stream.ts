/** Figures that the pool tells as they change, by server-sent events; asked for from time to time wherever that does not work. */

import { batch, type ReadonlySignal } from "@preact/signals";
import { applyPatch, LISTS, type TopicName, type ViewPatch } from "../../../api/stream/patch.ts";
import { heardTime } from "./clock.ts";
import { attempt, type Feed, feedOf, onRefresh } from "./fresh.ts";

/** Whether this pool has streams: on Lambda it has none. */
const HAS_STREAMS = document.body.dataset["live"] === "stream" && "EventSource" in globalThis;
/** A pool that had no room for a stream is asked for one again after this time. */
const RETRY_MS = 60_000;

/** `path` answers the same figures; it is asked first, because its answer is under way before any script runs. */
export function follow<T extends object>(
  name: TopicName,
  path: string,
  pollMs: number,
): ReadonlySignal<T | undefined> {
  const feed = feedOf<T>(path);
  new Follower(name, feed, pollMs).start();
  return feed.value;
}

class Follower<T extends object> {
  readonly #name: TopicName;
  readonly #feed: Feed<T>;
  readonly #pollMs: number;
  #stream: EventSource | undefined;
  #lastId = "";
  #poll = 0;
  #retry = 0;

  constructor(name: TopicName, feed: Feed<T>, pollMs: number) {
    this.#name = name;
    this.#feed = feed;
    this.#pollMs = pollMs;
  }

  start(): void {
    onRefresh(() => this.#ask());
    // A hidden page hears nothing, and its connection is free for others: a browser has six to a host.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.#wake()));
    void this.#ask().then(() => {
      if (!document.hidden) this.#wake();
    });
  }

  #ask(): Promise<boolean> {
    return attempt(() => this.#feed.refresh());
  }

  #wake(): void {
    this.#rest();
    if (HAS_STREAMS) this.#listen();
    else this.#askAgain();
  }

  #rest(): void {
    clearTimeout(this.#poll);
    clearTimeout(this.#retry);
    this.#stream?.close();
    this.#stream = undefined;
  }

  #listen(): void {
    const query = new URLSearchParams({ topic: this.#name });
    if (this.#lastId !== "") query.set("after", this.#lastId);
    const stream = new EventSource(`/api/live?${query}`);
    this.#stream = stream;
    stream.addEventListener("open", () => clearTimeout(this.#poll));
    stream.addEventListener("view", (message) =>
      this.#heard(message, (view) => ({ ...this.#shown(), ...view })),
    );
    stream.addEventListener("patch", (message) =>
      this.#heard(message, (patch) => applyPatch(this.#shown(), patch as ViewPatch, LISTS[this.#name])),
    );
    stream.addEventListener("error", () => {
      if (this.#stream !== stream) return;
      this.#askAgain();
      // Otherwise the browser itself tries again, and says which message was its last.
      if (stream.readyState !== EventSource.CLOSED) return;
      this.#stream = undefined;
      this.#retry = window.setTimeout(() => this.#listen(), RETRY_MS);
    });
  }

  #shown(): T {
    return this.#feed.value.peek() ?? ({} as T);
  }

  #heard(message: MessageEvent<string>, next: (data: object) => object): void {
    this.#lastId = message.lastEventId;
    const view = next(JSON.parse(message.data)) as T;
    batch(() => {
      if ("at" in view) heardTime(Date.parse(String(view.at)));
      this.#feed.value.value = view;
    });
  }

  #askAgain(): void {
    clearTimeout(this.#poll);
    this.#poll = window.setTimeout(() => {
      void this.#ask().then(() => {
        if (!document.hidden && this.#stream?.readyState !== EventSource.OPEN) this.#askAgain();
      });
    }, this.#pollMs);
  }
}
