/** The thread of flooders.ts: clients that send false shares as fast as the server reads them, and come back when they are sent away. */

import { parentPort, workerData } from "node:worker_threads";
import { LoadClient, pauseMs } from "../support/load/client.ts";

const { port, flooders } = workerData as { port: number; flooders: number };
let isOver = false;
let floods = 0;
let connections = 0;

/** Valid in form, false in hash; when it is sent away it comes back under another name. */
async function flood(n: number): Promise<void> {
  for (let life = 0; !isOver; life++) {
    const client = new LoadClient(port, `flood${n}x${life},rig`);
    connections += 1;
    if (!(await client.loggedIn)) {
      await pauseMs(100);
      continue;
    }
    let counter = 0;
    while (client.isOpen && !isOver) {
      const { height = "", oprHash = "" } = client.job ?? {};
      let lines = "";
      for (let line = 0; line < 50; line++) {
        const nonce = client.prefix.toString(16).padStart(8, "0") + (counter++).toString(16).padStart(8, "0");
        lines += `{"id":9,"method":"mining.submit","params":["flood${n}x${life}","${height}","${nonce}","${oprHash}","ffffffffffffffff"]}\n`;
      }
      floods += 50;
      const isTaken = client.socket.write(lines);
      await (isTaken
        ? pauseMs(1)
        : new Promise<void>((resolve) => {
            client.socket.once("drain", resolve);
            client.socket.once("close", () => resolve());
          }));
    }
    client.end();
  }
}

parentPort?.once("message", () => {
  isOver = true;
  parentPort?.postMessage({ floods, connections });
});
await Promise.all(Array.from({ length: flooders }, (_, n) => flood(n)));
