/** E-mail by the operator's SMTP server. */

import { createTransport } from "nodemailer";
import { coerceError } from "../../../shared/errors.ts";
import type { Channel } from "./channel.ts";

export interface SmtpOptions {
  /** smtp://user:password@host:587 or smtps://…:465. */
  readonly url: string;
  readonly from: string;
  readonly timeoutMs: number;
}

/** Undefined without a server: the pool sends no e-mail. */
export function emailChannel(options: SmtpOptions | undefined): Channel {
  if (options === undefined)
    return async () => ({ kind: "failed", words: "this pool has no mail server (its setting alerts.smtp)" });
  const { url, from, timeoutMs } = options;
  const transport = createTransport(url, { from });
  return async ({ target, message }) => {
    const send = transport.sendMail({
      to: target,
      subject: message.title,
      text: `${message.lines.join("\n")}\n`,
      // RFC 3834: no vacation notice answers it.
      headers: { "Auto-Submitted": "auto-generated" },
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("late")), timeoutMs);
    });
    return Promise.race([send, late])
      .then(() => ({ kind: "delivered" as const }))
      .catch((thrown: unknown) => ({ kind: "failed" as const, words: wordsOf(coerceError(thrown)) }))
      .finally(() => clearTimeout(timer));
  };
}

/** The server is the operator's: its own words may name it. The number of its answer is enough. */
function wordsOf(error: Error & { responseCode?: number; code?: string }): string {
  if (error.message === "late") return "the pool's mail server did not answer in time";
  if (error.responseCode !== undefined)
    return `the pool's mail server refused it (SMTP ${error.responseCode})`;
  return `the pool's mail server could not be reached${error.code === undefined ? "" : ` (${error.code})`}`;
}
