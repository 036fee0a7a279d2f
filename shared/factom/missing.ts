import { CodedError } from "../errors.ts";

/** What a node lists and does not have. */
export function missing(what: string): CodedError {
  return new CodedError(
    "factomd-reply",
    `factomd lists ${what} but does not have it yet: it may still be syncing`,
  );
}
