/** The cookies of the session and of the device: out of reach of scripts and of other sites' forms. */

import { SESSION_SECONDS } from "../../auth/web-accounts.ts";

/** `__Host-` binds the cookie to this very host and to https; over plain http (a pool on one's own machine) it would be refused. */
const SECURE_PREFIX = "__Host-";
/** Outlives sessions; browsers keep no cookie longer. */
const DEVICE_SECONDS = 400 * 24 * 3600;

export interface Tokens {
  readonly session: string | undefined;
  readonly device: string | undefined;
}

/** The Set-Cookie lines after a login. */
export function loginCookies(tokens: { token: string; device: string }, isSecure: boolean): string[] {
  return [
    cookie("session", tokens.token, SESSION_SECONDS, isSecure),
    cookie("device", tokens.device, DEVICE_SECONDS, isSecure),
  ];
}

/** The Set-Cookie line that removes the session's cookie. The device's cookie stays: it is still one of the user's places. */
export function clearedCookie(isSecure: boolean): string {
  return cookie("session", "", 0, isSecure);
}

function cookie(name: string, value: string, maxAgeSeconds: number, isSecure: boolean): string {
  const flags = `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict`;
  return isSecure ? `${SECURE_PREFIX}${name}=${value}; ${flags}; Secure` : `${name}=${value}; ${flags}`;
}

/** The tokens among a request's cookies (`name=value` each). */
export function tokensOf(cookies: readonly string[], isSecure: boolean): Tokens {
  const find = (name: string): string | undefined => {
    const prefix = `${isSecure ? SECURE_PREFIX : ""}${name}=`;
    return cookies.find((item) => item.startsWith(prefix))?.slice(prefix.length);
  };
  return { session: find("session"), device: find("device") };
}
