/** The secret with the pool's mail server. */

import { CodedError } from "../../shared/errors.ts";

/** The address in the secret's text. Throws CodedError `mail-server` naming the secret, never what it holds. */
export function parseMailServer(secret: string, text: string): string {
  const url = URL.parse(text.trim());
  if (url !== null && /^smtps?:$/.test(url.protocol) && url.hostname !== "") return text.trim();
  throw new CodedError(
    "mail-server",
    `the secret ${secret}: expected an address like smtps://USER:PASSWORD@HOST:465, with what is not a letter or digit in user and password percent-encoded`,
  );
}
