/** What the edge's image runs: `prosper edge` (or the command given) with settings from environment variables (settings.ts). */

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { coerceError } from "../../shared/errors.ts";
import { containerSettings } from "./settings.ts";

const DATA_DIR = "/data";

try {
  const { files, configFile, databaseUrl } = containerSettings(process.env, DATA_DIR);
  mkdirSync(DATA_DIR, { recursive: true });
  for (const { path, text } of files) {
    writeFileSync(path, text, { mode: 0o600 });
    chmodSync(path, 0o600);
  }
  if (databaseUrl !== undefined) process.env["DATABASE_URL"] = databaseUrl;
  // They are in files now; no program started from here needs to see them.
  for (const name of ["PROSPER_CONFIG", "PROSPER_ES_ADDRESS", "STRATUM_TLS_KEY", "DATABASE_PASSWORD"])
    delete process.env[name];
  const [node = "node", script = "prosper", ...args] = process.argv;
  process.argv = [node, script, ...(args.length === 0 ? ["edge"] : args), "--config", configFile];
  await import("../cli/main.ts");
} catch (error) {
  process.stderr.write(`prosper: ${coerceError(error).message}\n`);
  process.exitCode = 1;
}
