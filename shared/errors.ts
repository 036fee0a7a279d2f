/** The one error class: callers switch on `code`, people read `message`. */

/**
 * An expected failure of the world around us (not a bug, not a refusal).
 * `code` is kebab-case and stable; `message` says what failed, what was expected, what came and what to do.
 */
export class CodedError extends Error {
  readonly code: string;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CodedError";
    this.code = code;
    this.data = options.data ?? {};
  }
}

/** Whatever was thrown, as an Error. */
export function coerceError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
