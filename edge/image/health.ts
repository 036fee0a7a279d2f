/**
 * The container's health check. `node edge/image/health.ts PORT PATH` succeeds when the web server on that port answers 200 to that path within four
 * seconds: `/livez`, which a process whose event loop hangs does not answer at all. Without a path it succeeds when the port takes a connection.
 */

import { get } from "node:http";
import { connect } from "node:net";

const TIMEOUT_MS = 4_000;
const [port = "7070", path] = process.argv.slice(2);
const at = { host: "127.0.0.1", port: Number(port), timeout: TIMEOUT_MS };
const end = (code: number): void => {
  process.exit(code);
};

if (path === undefined) {
  const socket = connect(at);
  socket.once("connect", () => end(0));
  socket.once("timeout", () => end(1));
  socket.once("error", () => end(1));
} else {
  const request = get({ ...at, path }, (response) => {
    response.resume();
    end(response.statusCode === 200 ? 0 : 1);
  });
  request.once("timeout", () => end(1));
  request.once("error", () => end(1));
}
