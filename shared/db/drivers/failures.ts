/** What a database's failures mean to callers of the port, alike for every driver. */

/**
 * SQLSTATE classes and codes that mean "the server is away or busy; the same call may pass later". 28 is a login that is refused: while a password is
 * changed, nobody's message is at fault.
 */
const AWAY = /^(08|28|53|57P|40001$|40P01$|55P03$)/;
const AWAY_ERRNO = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
]);

export type DbErrorCode = "db-away" | "db-conflict" | "db-error";

/** The password is not, or not yet, the right one. */
export const WRONG_PASSWORD = "28P01";

/** The code of a SQLSTATE. */
export function codeOfSqlState(sqlstate: string): DbErrorCode {
  if (sqlstate === "23505") return "db-conflict";
  return AWAY.test(sqlstate) ? "db-away" : "db-error";
}

/** True for an operating system's error name that means that the server cannot be reached. */
export function isAwayErrno(code: string): boolean {
  return AWAY_ERRNO.has(code);
}
