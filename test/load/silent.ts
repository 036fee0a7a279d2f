/** The thread of silent-visitors.ts: keeps as many connections that say nothing as it can, and opens the closed ones again, at a steady pace. */

import { connect, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const { port, from, connections, perSecond } = workerData as {
  port: number;
  from: string;
  connections: number;
  perSecond: number;
};
const sockets = new Set<Socket>();
let opened = 0;

function open(): void {
  opened += 1;
  const socket = connect({ host: "127.0.0.1", port, localAddress: from }).resume();
  sockets.add(socket);
  socket.on("error", () => undefined);
  socket.on("close", () => sockets.delete(socket));
}

const timer = setInterval(() => {
  for (let n = 0; n < perSecond / 20 && sockets.size < connections; n++) open();
  if (opened >= connections) parentPort?.postMessage("all were opened");
}, 50);
parentPort?.on("message", () => {
  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
  parentPort?.postMessage(opened);
});
