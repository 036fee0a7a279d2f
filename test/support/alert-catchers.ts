/** Servers that catch what alerts send: a mail server, and one for HTTP that answers as it is told. */

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

export interface CaughtMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

export interface MailCatcher {
  /** smtp://… */
  readonly url: string;
  readonly mails: CaughtMail[];
  /** Refuses every recipient with this code from now on; undefined: takes them. */
  refuse(code: number | undefined): void;
  stop(): Promise<void>;
}

export async function startMailCatcher(): Promise<MailCatcher> {
  const mails: CaughtMail[] = [];
  let refusal: number | undefined;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onRcptTo(_, __, callback) {
      callback(
        refusal === undefined ? null : Object.assign(new Error("no such mailbox"), { responseCode: refusal }),
      );
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString("utf8"),
        });
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return {
    ...{ url: `smtp://127.0.0.1:${port}`, mails },
    refuse(code) {
      refusal = code;
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export interface CaughtRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface HttpCatcher {
  /** http://127.0.0.1:… without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly requests: CaughtRequest[];
  /** From now on; undefined: it takes a request and never answers. */
  answer(by: ((request: CaughtRequest) => HttpAnswer) | undefined): void;
  stop(): Promise<void>;
}

export async function startHttpCatcher(): Promise<HttpCatcher> {
  const requests: CaughtRequest[] = [];
  let by: ((request: CaughtRequest) => HttpAnswer) | undefined = () => ({ status: 204 });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const caught = { method, path, headers, body: Buffer.concat(chunks).toString("utf8") };
      requests.push(caught);
      if (by === undefined) return;
      const { status, headers: sent = {}, body = "" } = by(caught);
      response.writeHead(status, sent).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}`, port, requests },
    answer(given) {
      by = given;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
