/** The guide's "Watch": the doctor and Prometheus. */

import { expect } from "vitest";
import { coerceError } from "../../../../shared/errors.ts";
import { until } from "../../../support/until.ts";
import type { GuidedPool } from "../guided-pool.ts";
import { block } from "../page.ts";

export async function watch(pool: GuidedPool): Promise<void> {
  const { server } = pool;
  const { who, text } = block("Watch", "prosper doctor");
  let said = "";
  // A machine with other work on it may be late with an answer.
  await until(
    "a doctor who finds nothing red",
    async () => {
      const { code, out } = await server.try(who, text);
      said = out;
      return code === 0;
    },
    { withinMs: 60_000, everyMs: 1_000 },
  ).catch((error: unknown) => {
    throw new Error(`${coerceError(error).message}; it says: ${said}`);
  });
  expect(said).toMatch(/ports +stratum over TLS port 1235 answers\n/);
  await pool.follow("Watch", "promtool");
  await until(
    "a scrape",
    async () =>
      (
        await server.try("root", "curl -fsS 'http://127.0.0.1:9090/api/v1/query?query=prosper_job_height'")
      ).out.includes('"job":"prosper"'),
    { withinMs: 60_000, everyMs: 1_000 },
  );
}
