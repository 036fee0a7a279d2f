/** The local Data API as a process of its own: `node infra/emulator/data-api/main.ts --database postgres://… [--host H] [--port N]`. */

import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { coerceError } from "../../../shared/errors.ts";
import { createLogger } from "../../pino-logger.ts";
import { localRole } from "./local-role.ts";
import { startDataApiServer } from "./server.ts";

const { values } = parseArgs({
  options: {
    database: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "4570" },
  },
});

if (values.database === undefined) {
  process.stderr.write("--database is missing: expected postgres://user:password@host:port/database\n");
  process.exit(2);
}

try {
  const server = await startDataApiServer(
    { databaseUrl: values.database, roleOf: localRole, host: values.host, port: Number(values.port) },
    { clock: systemClock, random: systemRandom, logger: createLogger({ level: "info" }) },
  );
  process.stdout.write(`${JSON.stringify({ event: "ready", url: server.url })}\n`);
  const stop = (): void => void server.close().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
} catch (error) {
  process.stderr.write(`${coerceError(error).message}\n`);
  process.exit(1);
}
