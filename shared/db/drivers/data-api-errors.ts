/** The RDS Data API's failures as the port's: away, conflict or error. */

import { CodedError, coerceError } from "../../errors.ts";
import type { Sql } from "../port.ts";
import { codeOfSqlState, type DbErrorCode, isAwayErrno, WRONG_PASSWORD } from "./failures.ts";

/** Errors of calls that were correct. For some of them it is unknown whether the call was carried out. */
const AWAY_NAMES = new Set([
  "DatabaseResumingException",
  "DatabaseUnavailableException",
  "InternalServerErrorException",
  "InternalFailure",
  "ServiceUnavailableError",
  "StatementTimeoutException",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionNotFoundException",
  "TimeoutError",
  "AbortError",
]);

/** True while a paused cluster wakes up: the call was not carried out. */
export function isResuming(error: unknown): boolean {
  return error instanceof Error && error.name === "DatabaseResumingException";
}

/** The failure as a CodedError; `data.sqlstate` is PostgreSQL's code, empty where there is none. */
export function translateDataApi(thrown: unknown, statement?: Sql): CodedError {
  const error = coerceError(thrown);
  // The client's types promise a text; what came over the wire may be anything.
  const said = String(error.message);
  // The service has no field of its own for it: "ERROR: …; SQLState: 23505".
  const state = /SQLState: ?([0-9A-Z]{5})\b/.exec(said)?.[1];
  // Of a login it was seen to leave the code out.
  const sqlstate = state ?? (said.includes("password authentication failed") ? WRONG_PASSWORD : "");
  const where = statement === undefined ? "" : ` in: ${statement.text.trim().slice(0, 200)}`;
  const message = `database: ${said.replace(/; SQLState: ?[0-9A-Z]{5}$/, "")}${where}`;
  return new CodedError(codeOf(error, sqlstate), message, { cause: error, data: { sqlstate } });
}

function codeOf(error: Error, sqlstate: string): DbErrorCode {
  if (sqlstate !== "") return codeOfSqlState(sqlstate);
  if (AWAY_NAMES.has(error.name)) return "db-away";
  if ("code" in error && typeof error.code === "string" && isAwayErrno(error.code)) return "db-away";
  return httpStatus(error) >= 500 ? "db-away" : "db-error";
}

/** 0 where there was no answer. */
function httpStatus(error: Error): number {
  if (!("$metadata" in error) || typeof error.$metadata !== "object" || error.$metadata === null) return 0;
  const metadata: { httpStatusCode?: unknown } = error.$metadata;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : 0;
}
