/** Opening and closing an HTTP server with clear failures. */

import type { Server } from "node:http";
import { CodedError } from "../../shared/errors.ts";

export interface OpenServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** Ends open connections too. */
  close(): Promise<void>;
}

/** Listens on `port` (0: any). Rejects with CodedError `port-taken`, naming what wanted it. */
export async function listen(server: Server, host: string, port: number, what: string): Promise<OpenServer> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const hint = "choose another port, or 0 for a free one";
      reject(
        new CodedError(
          "port-taken",
          `${what}: ${host}:${port} cannot be opened (${cause.message}): ${hint}`,
          { cause },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("a TCP server has an address with a port");
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
