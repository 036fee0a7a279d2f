import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { lockFolder } from "../../../edge/lease/folder-lock.ts";
import { edgeIdentity } from "../../../edge/lease/identity.ts";
import { chainLeaseMs, createNamedLease } from "../../../edge/lease/named.ts";
import { systemRandom } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { memoryDisk } from "../../support/memory-disk.ts";

describe("the data folder's lock", () => {
  let folder = "";
  let child: ChildProcess | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "prosper-lock-"));
  });
  afterEach(() => {
    child?.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  it("is had by one owner of this process, and free again when released", () => {
    const lock = lockFolder(folder);

    expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: "folder-in-use" }));
    lock.release();
    lock.release();
    lockFolder(folder).release();
  });

  it("of another process is refused with its number, and is gone when that is killed with -9", async () => {
    const module = new URL("../../../edge/lease/folder-lock.ts", import.meta.url);
    const program = `import { lockFolder } from ${JSON.stringify(module.href)};
      lockFolder(${JSON.stringify(folder)}); console.log("locked"); setInterval(() => undefined, 1000);`;
    child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (child.stdout === null) throw new Error("no stdout");
    await once(child.stdout, "data");

    expect(() => lockFolder(folder)).toThrow(
      expect.objectContaining({
        code: "folder-in-use",
        message: expect.stringContaining(`in use by process ${child.pid}`),
      }),
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    lockFolder(folder).release();
  });
});

describe("the edge's identity", () => {
  it("is made once and kept, also through a power cut", async () => {
    const disk = memoryDisk();
    const id = await edgeIdentity("/data", { disk, random: systemRandom });

    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(
      await edgeIdentity("/data", { disk: disk.afterCrash("power", () => 0), random: systemRandom }),
    ).toBe(id);
  });

  it("that does not read is refused with what to do, never replaced", async () => {
    const disk = memoryDisk(new Map([["/data/edge-id", new TextEncoder().encode("hello")]]));

    await expect(edgeIdentity("/data", { disk, random: systemRandom })).rejects.toMatchObject({
      code: "edge-id",
      message: expect.stringContaining("restore it, or remove it"),
    });
  });
});

describe("the chain lease", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  afterEach(() => database.db.execute(sql`TRUNCATE leases`));

  const lease = (holder: string, clock = manualClock()) => ({
    clock,
    lease: createNamedLease({ name: "chain", holder, leaseMs: 10_000 }, { db: database.db, clock }),
  });
  const expire = () => database.db.execute(sql`UPDATE leases SET expires_at = now() - interval '1 second'`);

  it("lasts half a block, ten seconds at most", () => {
    expect([chainLeaseMs(10_000), chainLeaseMs(600_000)]).toEqual([5_000, 10_000]);
  });

  it("is held by one, renewed in the same epoch, and not asked for while most of it is left", async () => {
    const { lease: a, clock } = lease("a");
    const { lease: b } = lease("b");
    const epochs = [await a.hold(), await b.hold()];
    clock.advance(1_000);
    await expire();
    const unasked = await a.hold();
    clock.advance(5_000);
    epochs.push(await a.hold());

    expect(epochs).toEqual([1n, undefined, 1n]);
    expect(unasked).toBe(1n);
    expect([a.held(), b.held(), await b.hold()]).toEqual([true, false, undefined]);
  });

  it("found taken after a pause is not held, by the monotonic clock even before anybody asks", async () => {
    const { lease: a, clock } = lease("a");
    await a.hold();
    await expire();
    const { lease: b } = lease("b");
    const taken = await b.hold();
    clock.advance(10_000);

    expect([taken, a.held(), await a.hold(), a.held()]).toEqual([2n, false, undefined, false]);
  });

  it("is retaken by its own holder at once with the next epoch, and by others when given up", async () => {
    const { lease: before } = lease("a");
    await before.hold();
    const { lease: after } = lease("a");
    const own = await after.hold();
    await after.release();
    const { lease: b } = lease("b");

    expect([own, after.held(), await b.hold()]).toEqual([2n, false, 3n]);
  });
});
