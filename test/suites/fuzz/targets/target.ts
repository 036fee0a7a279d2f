/** What a parser under fuzz is: whole inputs to change, and how it is asked. */

export type Input = string | Uint8Array;

/** It may answer anything, or throw a CodedError. */
export interface Target {
  readonly name: string;
  readonly seeds: readonly Input[];
  /** How much of the time it gets, 1 unless it is slow. */
  readonly share?: number;
  parse(input: Input): unknown;
}

export const textOf = (input: Input): string =>
  typeof input === "string" ? input : Buffer.from(input).toString("latin1");

export const bytesOf = (input: Input): Uint8Array =>
  typeof input === "string" ? new Uint8Array(Buffer.from(input)) : input;

/** The input as JSON; undefined where it is none. */
export function jsonOf(input: Input): unknown {
  try {
    return JSON.parse(textOf(input));
  } catch {
    return undefined;
  }
}

/** The fields of a JSON object as a process's variables: UTF-8, so that no half of a surrogate pair can stand there. */
export function variablesOf(input: Input): Record<string, string> {
  const value = jsonOf(input);
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      (typeof inner === "string" ? inner : JSON.stringify(inner)).toWellFormed(),
    ]),
  );
}
