/** Keeps a page's figures fresh while somebody looks at it. */

import { type Signal, signal } from "@preact/signals";
import { sentence } from "../format.ts";
import { ApiError, get } from "./api.ts";
import { goToLogin } from "./session.ts";

/** Shown above the page; null while all is well. */
export const trouble = signal<string | null>(null);

/** An answer of the API that is asked for again and again; `value` is undefined before the first. */
export interface Feed<T> {
  readonly value: Signal<T | undefined>;
  /** Asks for what has changed. Throws ApiError. */
  refresh(): Promise<void>;
}

export function feedOf<T>(path: string): Feed<T> {
  const value = signal<T | undefined>(undefined);
  let etag: string | undefined;
  return {
    value,
    async refresh() {
      const answer = await get<T>(path, etag);
      etag = answer.etag;
      if (answer.body !== undefined) value.value = answer.body;
    },
  };
}

const refreshes = new Set<() => Promise<unknown>>();

/** `refresh` is called whenever something on the page has changed what it shows. */
export function onRefresh(refresh: () => Promise<unknown>): void {
  refreshes.add(refresh);
}

/** Asks for everything on the page again, because something was changed by it. */
export async function refreshNow(): Promise<void> {
  await Promise.all([...refreshes].map((refresh) => refresh()));
}

/** Calls `refresh` now and every `periodMs` while the page is visible. A failure is shown above the page, and `refresh` is tried again. */
export function keepFresh(periodMs: number, refresh: () => Promise<void>): void {
  let timer = 0;
  const run = async (): Promise<void> => {
    clearTimeout(timer);
    await attempt(refresh);
    if (!document.hidden) timer = window.setTimeout(run, periodMs);
  };
  onRefresh(run);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void run();
  });
  void run();
}

let lastGoodMs = 0;

/** Runs it; true where it worked. What went wrong is shown above the page, and who is not logged in goes to the login. */
export async function attempt(action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    lastGoodMs = Date.now();
    trouble.value = null;
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) goToLogin();
    else trouble.value = troubleText(error);
    return false;
  }
}

function troubleText(error: unknown): string {
  if (!(error instanceof ApiError)) console.error(error);
  const what = error instanceof ApiError ? error.message : "this page could not be drawn";
  const since =
    lastGoodMs === 0 ? "" : ` The figures below are of ${new Date(lastGoodMs).toLocaleTimeString()}.`;
  return `${sentence(what)} Trying again.${since}`;
}
