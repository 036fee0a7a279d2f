import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lockFolder } from "../../../edge/lease/folder-lock.ts";
import { startLocalPool } from "../../../infra/emulator/local-pool.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prosper-local-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("is refused in a folder that another pool has, before anything of that pool is touched", async () => {
  const first = lockFolder(folder);
  const steps: string[] = [];

  const second = startLocalPool(
    {
      ...{ dataDir: folder, installDir: folder, home: folder, path: "", pipEnv: {} },
      ...{ blockSeconds: 10, lxrBits: 8, stratumPort: 0, webPort: 0, miners: 0, originSecret: "" },
    },
    {
      ...{ clock: systemClock, random: systemRandom, logger: SILENT },
      openTable: () => Promise.reject(new Error("no table is needed")),
      onStep: (step) => void steps.push(step),
      onSealed: () => undefined,
      onFatal: () => undefined,
    },
  );

  await expect(second).rejects.toMatchObject({
    code: "folder-in-use",
    message: expect.stringContaining(folder),
  });
  expect(steps).toEqual([]);
  first.release();
});
