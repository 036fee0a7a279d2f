/** A browser's part: requests to the pages' address, cookies kept. */

export interface Reply {
  readonly status: number;
  readonly body: string;
}

export class WebClient {
  readonly #url: string;
  #cookie = "";

  constructor(url: string) {
    this.#url = url;
  }

  async send(method: string, path: string, body?: unknown): Promise<Reply> {
    const headers: Record<string, string> = { origin: this.#url };
    if (this.#cookie !== "") headers["cookie"] = this.#cookie;
    if (body !== undefined) headers["content-type"] = "application/json";
    const reply = await fetch(`${this.#url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const [cookie] = reply.headers.getSetCookie();
    if (cookie !== undefined) this.#cookie = cookie.split(";")[0] ?? "";
    return { status: reply.status, body: await reply.text() };
  }
}
