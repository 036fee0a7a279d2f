/** The API over HTTP on a loopback port, as a pool serves it, over books that look as if it had run for a while. */

import { startWeb } from "../../../infra/pool/web.ts";
import { SILENT } from "../../../shared/logger.ts";
import { createTestApi, PASSWORD, type TestApi } from "../../support/api.ts";

export interface ServedApi {
  readonly url: string;
  readonly api: TestApi;
  /** The Cookie header of a user who has logged in: `ann`, `bob`, or `boss` the administrator. */
  login(name: string): Promise<string>;
  stop(): Promise<void>;
}

export async function serveApi(): Promise<ServedApi> {
  const api = await createTestApi();
  const web = await startWeb(
    { host: "127.0.0.1", port: 0 },
    { handler: async (event, context) => api.handler(event, context), logger: SILENT },
  );
  return {
    url: web.url,
    api,
    async login(name) {
      const reply = await fetch(`${web.url}/api/session`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name, password: PASSWORD }),
      });
      return reply.headers
        .getSetCookie()
        .map((cookie) => cookie.split(";")[0])
        .join("; ");
    },
    stop: async () => {
      await web.stop();
      await api.database.drop();
    },
  };
}
