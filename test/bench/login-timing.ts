/**
 * Can somebody tell by the time of a refusal whether a name exists? Logs in with wrong passwords as 2,000 known and 2,000 unknown users,
 * in random order, with the real cost of a password hash, and prints Welch's t: `node test/bench/login-timing.ts [of each]`.
 * |t| below 3: no difference shows.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPasswords } from "../../functions/auth/password.ts";
import { createWebAccounts } from "../../functions/auth/web-accounts.ts";
import { startPostgres } from "../../infra/pool/embedded-postgres.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { migrate } from "../../shared/db/migrate.ts";
import { sql } from "../../shared/db/port.ts";

const count = Number(process.argv[2] ?? 2_000);
const dir = mkdtempSync(join(tmpdir(), "prosper-timing-"));
const postgres = await startPostgres({ dir, unsafeFast: true });
const db = openPg({ url: postgres.url });
try {
  await migrate(db);
  const passwords = createPasswords({}, { random: systemRandom });
  // One hash for all: only that it is stored matters.
  const stored = await passwords.hash("the right password");
  await db.execute(sql`INSERT INTO users (name, password)
    SELECT 'known-' || lpad(i::text, 6, '0'), ${stored} FROM generate_series(1, ${count}::int) AS i`);
  const accounts = createWebAccounts(
    { openRegistration: false },
    { db, passwords, clock: systemClock, random: systemRandom },
  );
  const names = shuffled(
    ["known", "other"].flatMap((kind) =>
      Array.from({ length: count }, (_, i) => `${kind}-${String(i + 1).padStart(6, "0")}`),
    ),
  );
  const times: Record<"known" | "other", number[]> = { known: [], other: [] };
  const timeOf = async (name: string, i: number): Promise<number> => {
    const remoteAddress = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
    const beganMs = performance.now();
    const reply = await accounts.login(name, { password: "wrong", code: "" }, { remoteAddress, device: "" });
    const tookMs = performance.now() - beganMs;
    if (reply.kind !== "refused") throw new Error(`expected a refusal, got ${reply.kind}`);
    return tookMs;
  };
  for (let i = 0; i < 50; i++) await timeOf(`warm-${i}`, 1_000_000 + i);
  for (const [i, name] of names.entries())
    times[name.startsWith("known") ? "known" : "other"].push(await timeOf(name, i));
  const known = summary(times.known);
  const unknown = summary(times.other);
  const t = (known.mean - unknown.mean) / Math.sqrt(known.variance / count + unknown.variance / count);
  const show = (one: typeof known): string =>
    `mean ${one.mean.toFixed(3)} ms, median ${one.median.toFixed(3)} ms, sd ${Math.sqrt(one.variance).toFixed(3)} ms`;
  process.stdout.write(
    `known   ${count}: ${show(known)}\nunknown ${count}: ${show(unknown)}\nWelch t = ${t.toFixed(3)}\n`,
  );
  process.exitCode = Math.abs(t) < 3 ? 0 : 1;
} finally {
  await db.close();
  await postgres.stop();
  rmSync(dir, { recursive: true, force: true });
}

function summary(values: number[]): { mean: number; median: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, variance, median: values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN };
}

/** By chance of the system: whatever else the machine does falls on both alike. */
function shuffled(items: string[]): string[] {
  return items
    .map((item) => ({ item, key: Buffer.from(systemRandom(8)).readBigUInt64BE() }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ item }) => item);
}
