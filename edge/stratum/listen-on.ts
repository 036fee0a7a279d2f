/** Listening on every address of the machine, whether it has IPv6 or not. */

import type { ListenOptions, Server } from "node:net";

/** Every address, of both families. */
export const ALL_ADDRESSES = "::";

/** The errors of a system without IPv6, or with IPv6 switched off, for `::`. */
const NO_IPV6: ReadonlySet<unknown> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

/**
 * Listens on `host`. `::` takes IPv4 as well, and becomes 0.0.0.0 if there is no IPv6. Rejects with the system's error, and then leaves no listener
 * of its own on the server.
 */
export async function listenOn(
  server: Pick<Server, "listen" | "once" | "off">,
  options: Pick<ListenOptions, "backlog"> & { readonly host: string; readonly port: number },
): Promise<void> {
  try {
    await bind(server, options);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (options.host !== ALL_ADDRESSES || !NO_IPV6.has(code)) throw error;
    await bind(server, { ...options, host: "0.0.0.0" });
  }
}

function bind(server: Pick<Server, "listen" | "once" | "off">, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onListening = (): void => {
      server.off("error", onError);
      resolve();
    };
    const onError = (error: Error): void => {
      server.off("listening", onListening);
      reject(error);
    };
    server.once("error", onError);
    server.once("listening", onListening);
    server.listen(options);
  });
}

/** The host that a program on this machine connects to, for a server that listens on `host`. */
export function localHost(host: string): string {
  return host === ALL_ADDRESSES || host === "0.0.0.0" ? "127.0.0.1" : host;
}

/** `host:port`, an IPv6 address in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
