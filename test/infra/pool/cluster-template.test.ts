/** New clusters of the embedded PostgreSQL from what `initdb` made before: real files, real servers. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { keepTemplate, restoreTemplate, templatePath } from "../../../infra/pool/cluster-template.ts";
import { type Postgres, startPostgres } from "../../../infra/pool/embedded-postgres.ts";

const folder = mkdtempSync(join(tmpdir(), "prosper-template-"));
// The server runs as a user of its own where this is root.
chmodSync(folder, 0o755);
const templates = join(folder, "kept");
const running: Postgres[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(name: string): Promise<Postgres> {
  const server = await startPostgres({ dir: join(folder, name), unsafeFast: true, templates });
  running.push(server);
  return server;
}

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const kept = (): string[] => readdirSync(templates);
const secret = (name: string, file: string): string => readFileSync(join(folder, name, file), "utf8").trim();

describe("a cluster of the embedded PostgreSQL", () => {
  it("is written from what the first one left, with a password of its own", async () => {
    const first = await start("first");
    const [file = ""] = kept();
    const { mtimeMs, mode } = statSync(join(templates, file));
    const second = await start("second");

    expect(kept()).toEqual([file]);
    expect(statSync(join(templates, file)).mtimeMs).toBe(mtimeMs);
    if (process.platform !== "win32") expect(mode & 0o077).toBe(0);
    const urls = [new URL(first.url), new URL(second.url)];
    expect(urls[0]?.password).not.toBe(urls[1]?.password);
    const fits = "SELECT current_database() AS name, rolsuper FROM pg_authid WHERE rolname = current_user";
    for (const { url } of [first, second])
      expect(await ask(url, fits)).toEqual([{ name: "prosper", rolsuper: true }]);
    const wrong = new URL(second.url);
    wrong.password = urls[0]?.password ?? "";
    await expect(ask(wrong.href, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  });

  it("takes the template's password no more, also where its first start was killed before it said so", async () => {
    const { url } = await start("killed");
    await running.pop()?.stop();
    const path = join(folder, "killed/data/first-password");
    expect(existsSync(path)).toBe(false);
    // As it was before the change: the file stays until the change is known to be made.
    writeFileSync(path, "the template's\n");

    const again = await start("killed");

    expect(existsSync(path)).toBe(false);
    expect(new URL(again.url).password).toBe(new URL(url).password);
    expect(await ask(again.url, "SELECT 1 AS up")).toEqual([{ up: 1 }]);
  });

  it("is made by initdb again where what was kept is damaged", async () => {
    const path = join(templates, kept()[0] ?? "");
    const whole = readFileSync(path);
    const damaged = Buffer.from(whole);
    damaged.fill(0, damaged.length - 4_096);
    writeFileSync(path, damaged);

    const { url } = await start("after-damage");

    expect(await ask(url, "SELECT 1 AS up")).toEqual([{ up: 1 }]);
    expect(readFileSync(path).equals(damaged)).toBe(false);
    expect(secret("after-damage", "password")).toBe(new URL(url).password);
  });
});

describe("a kept cluster", () => {
  const source = join(folder, "source");
  const path = templatePath(["one"], join(folder, "unit"));

  it("comes back byte by byte, with empty folders and the zeros at a file's end", () => {
    mkdirSync(join(source, "deep/empty"), { recursive: true });
    writeFileSync(join(source, "deep/log"), Buffer.concat([Buffer.from("begin"), Buffer.alloc(3 << 20)]));
    writeFileSync(join(source, "none"), "");
    writeFileSync(join(source, "twin-a"), "same");
    writeFileSync(join(source, "twin-b"), "same");
    keepTemplate(path, source, "secret");
    const data = mkdtempSync(join(folder, "restored-"));

    expect(restoreTemplate(path, data, undefined)).toBe("secret");
    expect(readdirSync(data, { recursive: true }).sort()).toEqual(
      readdirSync(source, { recursive: true }).sort(),
    );
    for (const file of ["deep/log", "none", "twin-a", "twin-b"])
      expect(readFileSync(join(data, file)).equals(readFileSync(join(source, file))), file).toBe(true);
  });

  it("gives way to one that was made otherwise", () => {
    const other = templatePath(["two"], join(folder, "unit"));
    writeFileSync(join(folder, "unit", "dashboard.json"), "{}");
    keepTemplate(other, source, "secret");

    expect(existsSync(path)).toBe(false);
    expect(restoreTemplate(path, mkdtempSync(join(folder, "none-")), undefined)).toBeUndefined();
    expect(existsSync(join(folder, "unit", "dashboard.json"))).toBe(true);
  });

  it("is not needed: where the folder cannot be written nothing is kept", () => {
    const blocked = templatePath(["three"], join(source, "none"));
    keepTemplate(blocked, source, "secret");
    expect(restoreTemplate(blocked, mkdtempSync(join(folder, "none-")), undefined)).toBeUndefined();
  });
});
