/** The guide's "Back up": a backup made, all lost, the books restored from it and the backup proved. */

import { expect } from "vitest";
import type { GuidedPool } from "../guided-pool.ts";

export async function loseAllAndRestore(pool: GuidedPool): Promise<void> {
  const { server } = pool;
  await pool.stopMining();
  await pool.follow("Back up", "systemctl start prosper-backup");
  const before = await pool.audit();
  await server.run("root", "systemctl stop prosper");
  await server.run("postgres", "dropdb prosper");
  await server.run("root", "rm -r /var/lib/prosper/.prosper/data");
  expect((await server.try("prosper", "prosper audit")).code).toBe(1);

  await server.run("root", "runuser -u postgres -- createdb --owner prosper prosper");
  await pool.follow("Back up", "prosper restore");
  const restored = await pool.audit();
  expect(restored.users["you"]?.paidOut).toBe(before.users["you"]?.paidOut);
  expect(restored.blocks).toBeGreaterThanOrEqual(3);
  await server.run("root", "systemctl start prosper");
  await pool.untilReady();
  await server.run("root", "systemctl start prosper-prove");
  expect(await server.run("root", "cat /var/log/prosper-prove.log")).toContain("Proved: the backup of");
}
