/** Builds the dashboard into one file: `node infra/dashboard/make.ts FILE`, for the image. */

import { writeFileSync } from "node:fs";
import { coerceError } from "../../shared/errors.ts";
import { buildDashboard } from "./build.ts";

const [, , path] = process.argv;
try {
  if (path === undefined) throw new Error("expected the file to write: node infra/dashboard/make.ts FILE");
  writeFileSync(path, JSON.stringify((await buildDashboard()).built));
} catch (error) {
  process.stderr.write(`${coerceError(error).message}\n`);
  process.exitCode = 1;
}
