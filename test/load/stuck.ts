/** The thread of stuck-readers.ts: clients that log in, ask, and never read again. */

import { parentPort, workerData } from "node:worker_threads";
import { LoadClient } from "../support/load/client.ts";

const { port, clients, questions } = workerData as { port: number; clients: number; questions: number };
const QUESTION = '{"id":5,"method":"mining.get_oprhash","params":["1"]}\n';

const stuck = Array.from({ length: clients }, (_, n) => new LoadClient(port, `stuck${n},rig`));
await Promise.all(stuck.map((client) => client.loggedIn));
for (const { socket } of stuck) {
  socket.pause();
  socket.write(QUESTION.repeat(questions));
}
parentPort?.postMessage("stuck");
