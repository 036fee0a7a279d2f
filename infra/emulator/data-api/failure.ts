/** The RDS Data API's refusals, by the names that its SDK knows. */

const STATUS = {
  BadRequestException: 400,
  DatabaseErrorException: 400,
  DatabaseNotFoundException: 404,
  DatabaseUnavailableException: 504,
  InternalServerErrorException: 500,
  RequestEntityTooLargeException: 413,
  StatementTimeoutException: 400,
  TransactionNotFoundException: 404,
  UnknownOperationException: 404,
  UnsupportedResultException: 400,
  ValidationException: 400,
} as const;

export type FailureName = keyof typeof STATUS;

export class DataApiFailure extends Error {
  override readonly name: FailureName;
  readonly status: number;

  constructor(name: FailureName, message: string) {
    super(message);
    this.name = name;
    this.status = STATUS[name];
  }
}

const QUERY_CANCELED = "57014";
const NO_SUCH_DATABASE = "3D000";

/** The service's error for whatever `pg` threw. */
export function failureOf(thrown: unknown): DataApiFailure {
  if (thrown instanceof DataApiFailure) return thrown;
  if (!(thrown instanceof Error)) return new DataApiFailure("InternalServerErrorException", String(thrown));
  const sqlstate = "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
  if (!("severity" in thrown)) {
    return new DataApiFailure(
      "DatabaseUnavailableException",
      `The database is unavailable: ${thrown.message}`,
    );
  }
  if (sqlstate === QUERY_CANCELED)
    return new DataApiFailure("StatementTimeoutException", "Request timed out");
  const name = sqlstate === NO_SUCH_DATABASE ? "DatabaseNotFoundException" : "DatabaseErrorException";
  const detail =
    "detail" in thrown && typeof thrown.detail === "string" ? `\n  Detail: ${thrown.detail}` : "";
  return new DataApiFailure(name, `ERROR: ${thrown.message}${detail}; SQLState: ${sqlstate}`);
}
