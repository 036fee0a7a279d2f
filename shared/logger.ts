/** What a part may say to its operator. Implemented by pino in long-lived processes. */

/** Message first (a constant sentence), then the facts. Never interpolate; never log a secret. */
export interface Logger {
  debug(message: string, data?: Record<string, unknown>): void;
  info(message: string, data?: Record<string, unknown>): void;
  warn(message: string, data?: Record<string, unknown>): void;
  error(message: string, data?: Record<string, unknown>): void;
}

const nothing = (): void => undefined;

/** For tests and pure runs: says nothing. */
export const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
