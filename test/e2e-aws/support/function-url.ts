/** Requests to a function URL at the emulator: its own name in the Host header, the emulator's address beneath; cookies are kept. */

import { request } from "node:http";

export interface Reply {
  readonly status: number;
  readonly body: string;
}

export class FunctionUrlClient {
  readonly #endpoint: URL;
  readonly #host: string;
  #cookie = "";

  constructor(endpoint: string, functionUrl: string) {
    this.#endpoint = new URL(endpoint);
    this.#host = new URL(functionUrl).host;
  }

  send(method: string, path: string, body?: unknown): Promise<Reply> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = {
      host: this.#host,
      ...(text === ""
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      ...(this.#cookie === "" ? {} : { cookie: this.#cookie }),
    };
    const { hostname, port } = this.#endpoint;
    return new Promise((resolve, reject) => {
      const sent = request({ hostname, port, method, path, headers }, (reply) => {
        const [cookie] = reply.headers["set-cookie"] ?? [];
        if (cookie !== undefined) this.#cookie = cookie.split(";")[0] ?? "";
        let answer = "";
        reply.setEncoding("utf8").on("data", (part: string) => {
          answer += part;
        });
        reply.on("end", () => resolve({ status: reply.statusCode ?? 0, body: answer }));
      });
      sent.on("error", reject);
      sent.end(text);
    });
  }
}
