/** The session's cookie: out of reach of scripts and of other sites' forms. */

import { SESSION_SECONDS } from "../auth/web-accounts.ts";

/** `__Host-` binds the cookie to this very host and to https; over plain http (a pool on one's own machine) it would be refused. */
const SECURE_NAME = "__Host-session";
const PLAIN_NAME = "session";

/** A Set-Cookie line. */
export function sessionCookie(token: string, isSecure: boolean): string {
  return cookie(token, SESSION_SECONDS, isSecure);
}

/** A Set-Cookie line that takes the cookie away. */
export function clearedCookie(isSecure: boolean): string {
  return cookie("", 0, isSecure);
}

function cookie(value: string, maxAgeSeconds: number, isSecure: boolean): string {
  const flags = `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict`;
  return isSecure ? `${SECURE_NAME}=${value}; ${flags}; Secure` : `${PLAIN_NAME}=${value}; ${flags}`;
}

/** The token among a request's cookies (`name=value` each); undefined without one. */
export function tokenOf(cookies: readonly string[], isSecure: boolean): string | undefined {
  const prefix = `${isSecure ? SECURE_NAME : PLAIN_NAME}=`;
  return cookies.find((item) => item.startsWith(prefix))?.slice(prefix.length);
}
