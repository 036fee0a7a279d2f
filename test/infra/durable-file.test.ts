/** Small files on a disk without room: nobody finds half of one. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { whyUnread, writeFileDurably, writeNewFile } from "../../infra/durable-file.ts";
import { ensureDevnetKeys } from "../../infra/pool/devnet-pool.ts";
import { systemRandom } from "../../shared/clock.ts";
import { withFullDisk } from "../support/full-disk.ts";

const folder = mkdtempSync(join(tmpdir(), "prosper-durable-"));
afterAll(() => rmSync(folder, { recursive: true }));
const newFolder = (): string => mkdtempSync(join(folder, "one-"));

describe("a file that cannot be read", () => {
  it.each([
    ["that is missing", join(folder, "none"), "there is no such file"],
    ["that is a folder", folder, "it is a folder"],
    ["that is below another file", join(import.meta.filename, "none"), /^ENOTDIR/],
  ])("%s is said to be so", (_, path, why) => {
    const read = (): string => {
      try {
        return readFileSync(path, "utf8");
      } catch (thrown) {
        return whyUnread(thrown);
      }
    };
    expect(read()).toEqual(typeof why === "string" ? why : expect.stringMatching(why));
  });
});

describe("a small file on a full disk", () => {
  it("is not there where it was new, and can be written when there is room", async () => {
    const path = join(newFolder(), "payout.json");

    await expect(withFullDisk(10, () => writeNewFile(path, "a whole payout"))).rejects.toMatchObject({
      code: "payout-file",
      message: expect.stringMatching(/cannot be written: EFBIG/),
    });

    await writeNewFile(path, "a whole payout");
    expect(readFileSync(path, "utf8")).toBe("a whole payout");
  });

  it("stays as it was where it was to be replaced, with nothing left beside", async () => {
    const inside = newFolder();
    const path = join(inside, "state");
    await writeFileDurably(path, "old");

    await expect(withFullDisk(10, () => writeFileDurably(path, "much longer"))).rejects.toMatchObject({
      code: "EFBIG",
    });

    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(inside)).toEqual(["state"]);
  });

  it("costs a devnet no start: keys that could not be written are made anew", async () => {
    const dataDir = newFolder();
    await expect(withFullDisk(40, () => ensureDevnetKeys(dataDir, systemRandom))).rejects.toMatchObject({
      code: "EFBIG",
    });

    const keys = await ensureDevnetKeys(dataDir, systemRandom);

    expect(await ensureDevnetKeys(dataDir, systemRandom)).toEqual(keys);
  });
});
