/** Questions and answers between two processes of one pool, over the channel that Node opens to a child (`serialization: "advanced"`). */

import * as v from "valibot";
import { CodedError, coerceError } from "../../shared/errors.ts";

const message = v.variant("kind", [
  v.object({ kind: v.literal("ask"), id: v.number(), name: v.string(), value: v.unknown() }),
  v.object({ kind: v.literal("answer"), id: v.number(), value: v.unknown() }),
  v.object({ kind: v.literal("failed"), id: v.number(), code: v.string(), message: v.string() }),
]);
type Message = v.InferOutput<typeof message>;

/** One end: `process` in a child, the worker in its parent. */
export interface ChannelEnd {
  send(message: unknown, callback: (error: Error | null) => void): unknown;
  on(event: "message", listener: (message: unknown) => void): unknown;
}

/** What this end answers, by name. */
export type Answers = Readonly<Record<string, (value: unknown) => unknown>>;

export interface Channel {
  /** Rejects with the CodedError that the other end answered, or with `process-gone`. */
  ask(name: string, value?: unknown): Promise<unknown>;
  /** The other end is gone: whoever waits for it is told so. */
  close(): void;
}

export function openChannel(end: ChannelEnd, answers: Answers): Channel {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let asked = 0;
  let isClosed = false;
  const gone = (): CodedError => new CodedError("process-gone", "the other process has ended");
  /** A process that has just ended takes nothing any more; its end is told by `close`. */
  const send = (sent: Message): void => void end.send(sent, () => undefined);
  const answer = async (id: number, name: string, value: unknown): Promise<void> => {
    try {
      send({ kind: "answer", id, value: await answers[name]?.(value) });
    } catch (thrown) {
      const error = coerceError(thrown);
      const code = error instanceof CodedError ? error.code : "bug";
      send({ kind: "failed", id, code, message: code === "bug" ? `${error.stack}` : error.message });
    }
  };
  end.on("message", (received) => {
    const parsed = v.safeParse(message, received);
    // Node's own, and those of libraries that know of clusters.
    if (!parsed.success) return;
    const told = parsed.output;
    if (told.kind === "ask") return void answer(told.id, told.name, told.value);
    const asker = waiting.get(told.id);
    waiting.delete(told.id);
    if (told.kind === "answer") asker?.resolve(told.value);
    else asker?.reject(new CodedError(told.code, told.message));
  });
  return {
    ask: (name, value) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(gone());
        const id = ++asked;
        waiting.set(id, { resolve, reject });
        send({ kind: "ask", id, name, value });
      }),
    close() {
      isClosed = true;
      for (const { reject } of waiting.values()) reject(gone());
      waiting.clear();
    },
  };
}
