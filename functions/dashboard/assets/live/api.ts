/** Talks to the pool's API. */

import { heardAnswer } from "./clock.ts";

/** What the API refused or could not do. `status` is 0 where no answer came, `code` the API's own word for it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, message: string, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

const ANSWER_MS = 10_000;

export interface Answer<T> {
  /** Undefined: nothing has changed since the answer that had `etag`. */
  readonly body: T | undefined;
  readonly etag: string | undefined;
}

/** The answer as the OpenAPI document describes it. Throws ApiError. */
export async function request<T>(method: Method, path: string, body?: unknown): Promise<T> {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  return (await readJson(await send(path, { method, ...init }))) as T;
}

/** `etag` is that of the answer one has already. Throws ApiError. */
export async function get<T>(path: string, etag?: string): Promise<Answer<T>> {
  const response = await send(path, etag === undefined ? {} : { headers: { "if-none-match": etag } });
  const tag = response.headers.get("etag") ?? undefined;
  if (response.status === 304) return { body: undefined, etag: tag ?? etag };
  return { body: (await readJson(response)) as T, etag: tag };
}

/** Throws ApiError where no answer comes; what was refused is an answer. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const response = await fetch(path, { ...init, signal }).catch(() => {
    throw new ApiError(0, "the pool cannot be reached");
  });
  heardAnswer(response.headers);
  return response;
}

/** Throws ApiError for what was refused. */
export async function readJson(response: Response): Promise<unknown> {
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok && answer === undefined) throw new ApiError(0, "the pool's answer broke off");
  if (response.ok) return answer;
  const error = answer as { error?: { message?: string; code?: string } } | null | undefined;
  const { message = `the pool answered ${response.status}`, code } = error?.error ?? {};
  throw new ApiError(response.status, message, code);
}
