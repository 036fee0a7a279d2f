/** Takes the PROXY header off the beginning of a socket that comes from a trusted balancer. */

import type { Socket } from "node:net";
import { parseProxyV2 } from "./proxy-v2.ts";

/**
 * Calls `take` once with the client's address (undefined: the socket's own address counts), or calls `refuse`. After that, the socket holds only the
 * bytes after the header.
 */
export function readProxyHeader(
  socket: Socket,
  options: { readonly timeoutMs: number },
  take: (clientAddress: string | undefined) => void,
  refuse: (reason: string) => void,
): void {
  let read: Buffer = Buffer.alloc(0);
  const done = (): void => {
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("close", onClose);
    socket.off("end", onClose);
  };
  const fail = (reason: string): void => {
    done();
    refuse(reason);
  };
  const onClose = (): void => fail("closed before its header was whole");
  const onReadable = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    read = read.length === 0 ? chunk : Buffer.concat([read, chunk]);
    const header = parseProxyV2(read);
    if (header.kind === "incomplete") return;
    if (header.kind === "malformed") {
      fail(header.reason);
      return;
    }
    done();
    if (read.length > header.length) socket.unshift(read.subarray(header.length));
    take(header.kind === "client" ? header.address : undefined);
  };
  const timer = setTimeout(() => fail("no header in time"), options.timeoutMs);
  socket.on("readable", onReadable);
  socket.on("close", onClose);
  socket.on("end", onClose);
}
