/** The two ends of the chaos run's queue. */

import { CodedError, coerceError } from "../../../../shared/errors.ts";
import type { QueueSender } from "../../../../shared/queue.ts";

export interface Received {
  readonly id: string;
  readonly body: string;
}

const TIMEOUT_MS = 5_000;

async function post(url: string, body: string): Promise<unknown> {
  try {
    const response = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.json();
  } catch (thrown) {
    throw new CodedError("queue-away", `the queue does not answer: ${coerceError(thrown).message}`);
  }
}

export function queueSender(url: string): QueueSender {
  return { send: async (body) => void (await post(`${url}/send`, body)) };
}

export async function receive(url: string): Promise<Received[]> {
  return (await post(`${url}/receive`, "")) as Received[];
}

export async function remove(url: string, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await post(`${url}/delete`, JSON.stringify(ids));
}
