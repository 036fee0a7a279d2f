/** A line to a web server on which every byte is counted, headers too: what a visitor pays for. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface CountedLine {
  readonly url: string;
  /** Bytes that came from the server so far. */
  received(): number;
  close(): void;
}

export async function countedLine(target: string): Promise<CountedLine> {
  const { port } = new URL(target);
  const sockets = new Set<Socket>();
  let bytes = 0;
  const server = createServer((visitor) => {
    const web = connect(Number(port), "127.0.0.1");
    for (const socket of [visitor, web]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        visitor.destroy();
        web.destroy();
      });
    }
    web.on("data", (chunk) => {
      bytes += chunk.length;
    });
    visitor.pipe(web).pipe(visitor);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => bytes,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
