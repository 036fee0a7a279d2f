/** One view that pages follow: its versions as patches, the last of them kept for who comes back after a break. */

import { type ListKeys, patchBetween, type View } from "./patch.ts";

/** `view` is the whole, `patch` what has changed since the message before. `data` is JSON. */
export interface LiveMessage {
  readonly id: string;
  readonly event: "view" | "patch";
  readonly data: string;
}

export type Listener = (message: LiveMessage) => void;

/** Beyond, who comes back gets the whole view: it is no more than these together. */
const KEPT_MESSAGES = 64;
const KEPT_BYTES = 64 * 1024;

interface TopicOptions {
  /** Tells this topic's ids from those of another process, or of another user. */
  readonly epoch: string;
  readonly lists: ListKeys;
  /** Change all the time and interest nobody at once: alone, they wait for `quietMs` since the last message. */
  readonly quiet: readonly string[];
  readonly quietMs: number;
}

export class Topic {
  readonly #options: TopicOptions;
  readonly #listeners = new Set<Listener>();
  /** They get the whole view at the next update: what is here may be older than what their page was told when it was opened. */
  readonly #waiting = new Set<Listener>();
  #kept: LiveMessage[] = [];
  #version = 0;
  #view: View | undefined;
  #sentMs = Number.NEGATIVE_INFINITY;

  constructor(options: TopicOptions) {
    this.#options = options;
  }

  get listeners(): number {
    return this.#listeners.size + this.#waiting.size;
  }

  /** The newest figures, at this monotonic time. Sends what has changed, if anything has. */
  update(view: View, nowMs: number): void {
    this.#tellChanges(view, nowMs);
    for (const listener of this.#waiting) {
      listener(this.#whole(this.#view ?? view));
      this.#listeners.add(listener);
    }
    this.#waiting.clear();
  }

  #tellChanges(view: View, nowMs: number): void {
    const before = this.#view;
    if (before === undefined) {
      this.#view = view;
      this.#sentMs = nowMs;
      return;
    }
    const { quiet, quietMs, lists } = this.#options;
    // The moment changes always: it says nothing by itself, and goes with whatever else does.
    const patch = patchBetween({ ...before, at: view["at"] }, view, lists);
    if (patch === undefined) return;
    const isQuiet = [...Object.keys(patch.set), ...Object.keys(patch.rows)].every((key) =>
      quiet.includes(key),
    );
    if (isQuiet && this.#waiting.size === 0 && nowMs - this.#sentMs < quietMs) return;
    this.#view = view;
    this.#sentMs = nowMs;
    this.#version += 1;
    const at = "at" in view ? { at: view["at"] } : {};
    const data = JSON.stringify({ ...patch, set: { ...patch.set, ...at } });
    this.#send({ id: this.#id(), event: "patch", data });
  }

  /** Sends to `listener` what it missed since the message `lastId`; where that is not known the whole view, with the next update. */
  follow(listener: Listener, lastId: string | undefined): () => void {
    const missed = this.#since(lastId);
    if (missed === undefined) this.#waiting.add(listener);
    else {
      this.#listeners.add(listener);
      for (const message of missed) listener(message);
    }
    return () => {
      this.#listeners.delete(listener);
      this.#waiting.delete(listener);
    };
  }

  #since(lastId: string | undefined): readonly LiveMessage[] | undefined {
    const [epoch, version] = (lastId ?? "").split(".");
    const last = Number(version);
    if (epoch !== this.#options.epoch || !Number.isInteger(last)) return undefined;
    const missing = this.#version - last;
    return missing >= 0 && missing <= this.#kept.length
      ? this.#kept.slice(this.#kept.length - missing)
      : undefined;
  }

  #send(message: LiveMessage): void {
    this.#kept.push(message);
    let bytes = this.#kept.reduce((sum, { data }) => sum + data.length, 0);
    while (this.#kept.length > KEPT_MESSAGES || bytes > KEPT_BYTES)
      bytes -= this.#kept.shift()?.data.length ?? 0;
    for (const listener of this.#listeners) listener(message);
  }

  #whole(view: View): LiveMessage {
    return { id: this.#id(), event: "view", data: JSON.stringify(view) };
  }

  #id(): string {
    return `${this.#options.epoch}.${this.#version}`;
  }
}
