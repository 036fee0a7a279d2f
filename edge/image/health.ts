/** The container's health check: `node edge/image/health.ts PORT` succeeds when the stratum port takes a connection within two seconds. */

import { connect } from "node:net";

const TIMEOUT_MS = 2_000;
const socket = connect({ host: "127.0.0.1", port: Number(process.argv[2] ?? "1234"), timeout: TIMEOUT_MS });
const end = (code: number): void => {
  socket.destroy();
  process.exitCode = code;
};
socket.once("connect", () => end(0));
socket.once("timeout", () => end(1));
socket.once("error", () => end(1));
