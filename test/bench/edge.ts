/** Our edge under test: listener, stratum server, share desk, journal and hashes as they are, in a process of their own; books in memory, every name may log in. */

import { LoadServer } from "../support/load/client.ts";
import type { StratumUnderTest } from "./peers.ts";
import type { Room } from "./room.ts";

export async function startEdge(bits: number, room: Room): Promise<StratumUnderTest> {
  const server = new LoadServer(bits);
  room.onTidy(() => server.stop());
  await server.start();
  return { port: server.port, pid: server.pid, nextJob: () => server.nextJob() };
}
