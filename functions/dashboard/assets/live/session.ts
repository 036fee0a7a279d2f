/** Who is logged in, and the way back where a session has ended. */

import { signal } from "@preact/signals";
import type { SessionView } from "../../../api/views/views.ts";
import { request } from "./api.ts";

export type User = NonNullable<SessionView["user"]>;

/** Undefined until the pool has said so; null: nobody. */
export const user = signal<User | null | undefined>(undefined);

/** What the operator tells everybody. */
export const notices = signal<SessionView["notices"]>([]);

/** Whether somebody was logged in here before: only then has a session ended. */
const SEEN = "prosper-logged-in";

export async function loadSession(): Promise<void> {
  try {
    const session = await request<SessionView>("GET", "/api/session");
    if (session.user !== null) remember(true);
    user.value = session.user;
    notices.value = session.notices;
  } catch {
    user.value = null;
  }
}

export async function logOut(): Promise<void> {
  await request("DELETE", "/api/session");
  remember(false);
  location.assign("/");
}

/** To the login, which says why and comes back here. */
export function goToLogin(): void {
  const query = new URLSearchParams({ next: location.pathname + location.search });
  if (wasLoggedIn()) query.set("ended", "1");
  remember(false);
  location.assign(`/login?${query}`);
}

/** Where the login leads: a page of this pool, whatever the address says. */
export function pageAfterLogin(): string {
  const wanted = new URLSearchParams(location.search).get("next") ?? "";
  const url = URL.parse(wanted === "" ? "/me" : wanted, location.origin);
  return url?.origin === location.origin ? url.pathname + url.search : "/me";
}

function wasLoggedIn(): boolean {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return false;
  }
}

/** A browser may forbid its storage; then the login says less. */
function remember(isLoggedIn: boolean): void {
  try {
    if (isLoggedIn) localStorage.setItem(SEEN, "1");
    else localStorage.removeItem(SEEN);
  } catch {
    // Nothing depends on it.
  }
}
