/** A backup in parts: encrypted, changed, by another's key; and by the commands from a living pool to its proof. */

import { execFile } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeBackupKeys } from "../../../infra/backup/backup-key.ts";
import { packBackup, unpackBackup } from "../../../infra/backup/packed.ts";
import { folderStore } from "../../../shared/archive/folder-store.ts";
import { listAdminLog } from "../../../shared/db/admin-log.ts";
import { createTestDatabase } from "../../support/database.ts";
import { bookEverything } from "../../support/replayed-pool.ts";

const home = mkdtempSync(join(tmpdir(), "prosper-packed-"));
afterAll(() => rmSync(home, { recursive: true }));

/** More than a part. */
const ROWS = "a row with a password hash\n".repeat(200_000);
const keys = makeBackupKeys();

/** A folder with files, and an empty place to put it. */
function folders(): { from: string; place: string; to: string } {
  const dir = mkdtempSync(join(home, "run-"));
  const [from, place, to] = ["from", "place", "to"].map((name) => join(dir, name));
  mkdirSync(join(from ?? "", "tables"), { recursive: true });
  writeFileSync(join(from ?? "", "tables", "users.jsonl"), ROWS);
  writeFileSync(join(from ?? "", "tables", "none.jsonl"), "");
  writeFileSync(join(from ?? "", "manifest.json"), "{}");
  return { from: from ?? "", place: place ?? "", to: to ?? "" };
}
const parts = (place: string): string[] =>
  readdirSync(place)
    .filter((name) => name !== "backup.json")
    .toSorted();

describe("a packed backup", () => {
  it.each([
    ["encrypted", keys.publicKey],
    ["plain", undefined],
  ])("comes back as it was, %s", async (_how, key) => {
    const { from, place, to } = folders();

    expect(await packBackup(from, folderStore(place), key)).toBe(4);
    await unpackBackup(folderStore(place), to, key && keys.secretKey);

    expect(readFileSync(join(to, "tables", "users.jsonl"), "utf8")).toBe(ROWS);
    expect(readFileSync(join(to, "tables", "none.jsonl"), "utf8")).toBe("");
    expect(readFileSync(join(to, "manifest.json"), "utf8")).toBe("{}");
    const stored = readdirSync(place)
      .map((name) => readFileSync(join(place, name), "latin1"))
      .join("");
    expect(/password|users|manifest/.test(stored)).toBe(key === undefined);
  });

  it("is read by its own key alone, and says whose it is", async () => {
    const { from, place, to } = folders();
    await packBackup(from, folderStore(place), keys.publicKey);
    const read = (secret?: string) => unpackBackup(folderStore(place), to, secret);

    const whose = expect.stringContaining(`encrypted to ${keys.publicKey}`);
    await expect(read()).rejects.toMatchObject({ code: "backup-key", message: whose });
    await expect(read(makeBackupKeys().secretKey)).rejects.toMatchObject({
      code: "backup-key",
      message: whose,
    });
    await expect(read(keys.publicKey)).rejects.toMatchObject({ code: "backup-key" });
    await expect(packBackup(from, folderStore(`${place}2`), keys.secretKey)).rejects.toMatchObject({
      code: "backup-key",
      message: expect.not.stringContaining(keys.secretKey),
    });
  });

  it.each(["changed", "missing", "cut", "in another's place"])(
    "with a part that is %s is refused",
    async (how) => {
      const { from, place, to } = folders();
      await packBackup(from, folderStore(place), keys.publicKey);
      const [, , second = "", third = ""] = parts(place);
      const path = join(place, second);
      if (how === "missing") rmSync(path);
      else if (how === "cut") truncateSync(path, 100_000);
      else if (how === "changed") {
        const bytes = readFileSync(path);
        bytes[1000] = (bytes[1000] ?? 0) ^ 1;
        writeFileSync(path, bytes);
      } else renameSync(join(place, third), path);

      await expect(unpackBackup(folderStore(place), to, keys.secretKey)).rejects.toMatchObject({
        code: "backup-invalid",
        message: expect.stringContaining(second),
      });
    },
  );

  it("that was not finished is none, and its place can be used again", async () => {
    const { from, place, to } = folders();
    await packBackup(from, folderStore(place), keys.publicKey);
    await expect(packBackup(from, folderStore(place), keys.publicKey)).rejects.toMatchObject({
      code: "backup-exists",
    });
    rmSync(join(place, "backup.json"));
    await expect(unpackBackup(folderStore(place), to, keys.secretKey)).rejects.toThrow(/not finished/);

    await packBackup(from, folderStore(place), keys.publicKey);
    await unpackBackup(folderStore(place), to, keys.secretKey);

    expect(readFileSync(join(to, "tables", "users.jsonl"), "utf8")).toBe(ROWS);
  });
});

describe("prosper backup --encrypt-to", () => {
  it("leaves nothing plain, is on record when it is whole, and is proved by its key", async () => {
    const live = await createTestDatabase({ driver: "pg" });
    await bookEverything(live.db);
    const dir = mkdtempSync(join(home, "run-"));
    const place = join(dir, "backup");
    const data = join(dir, "data");
    mkdirSync(join(data, "edge"), { recursive: true });
    const run = (...args: string[]): Promise<{ code: number; text: string }> =>
      new Promise((done) => {
        const env = { PATH: process.env["PATH"] ?? "", HOME: dir, DATABASE_URL: live.url };
        const main = resolve(import.meta.dirname, "../../../infra/cli/main.ts");
        execFile(process.execPath, [main, ...args], { env, cwd: dir }, (error, out, errors) =>
          done({ code: error === null ? 0 : Number(error.code), text: out + errors }),
        );
      });
    const made = await run("keys", "--backup", "--out", "backup.key");
    const [publicKey = ""] = /backup-public-[0-9a-f]{64}/.exec(made.text) ?? [];
    expect(made.text).not.toContain("backup-secret");

    const taken = await run(
      "backup",
      place,
      "--encrypt-to",
      publicKey,
      "--leave-archive",
      "--data-dir",
      data,
    );
    expect(taken).toMatchObject({ code: 0 });
    expect(taken.text).toMatch(/restore \S+ --prove --sha256 [0-9a-f]{64} --key-file FILE/);
    expect(readdirSync(data)).toEqual(["edge"]);
    expect(readdirSync(place).every((name) => /^backup\.json$|^[0-9a-f]{16}-\d{6}$/.test(name))).toBe(true);
    expect((await listAdminLog(live.db, 1))[0]).toMatchObject({ action: "backup", subject: place });

    const keyless = await run("restore", place, "--prove", "--data-dir", data);
    expect(keyless).toMatchObject({ code: 1, text: expect.stringContaining("--key-file") });
    const proved = await run("restore", place, "--prove", "--key-file", "backup.key", "--data-dir", data);
    expect(proved).toMatchObject({ code: 0, text: expect.stringMatching(/^Proved: /m) });
    expect(readdirSync(data)).toEqual(["edge"]);
    await live.drop();
  });
});
