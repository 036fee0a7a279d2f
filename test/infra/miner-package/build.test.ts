/** The package that a pool serves: what is in it, and that it is the same wherever and whenever it is made. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildMinerPackage, type MinerPackage } from "../../../infra/miner-package/build.ts";
import { tarball } from "../../../infra/miner-package/tarball.ts";

let folder: string;
let made: MinerPackage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "prosper-package-"));
  made = await buildMinerPackage();
  writeFileSync(join(folder, made.name), made.tgz);
  execFileSync("tar", ["xzf", made.name], { cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true }));

const inPackage = (...path: string[]): string => join(folder, "package", ...path);

describe("the miner's package", () => {
  it("has the same bytes and the same name when it is made again", async () => {
    const again = await buildMinerPackage();
    expect(again.name).toBe(made.name);
    expect(again.tgz.equals(made.tgz)).toBe(true);
    expect(made.name).toMatch(/^prosper-miner-[0-9a-f]{16}\.tgz$/);
  });

  it("depends on no package of a registry, and runs nothing when it is installed", () => {
    const manifest = JSON.parse(readFileSync(inPackage("package.json"), "utf8"));
    expect(new Set(Object.keys(manifest))).toEqual(
      new Set(["bin", "description", "engines", "license", "name", "type", "version"]),
    );
  });

  it("holds every file that its code names beside itself", () => {
    const files = readdirSync(inPackage());
    const named = files
      .filter((file) => file.endsWith(".mjs"))
      .flatMap((file) => [
        ...readFileSync(inPackage(file), "utf8").matchAll(
          /new URL\("\.\/([\w.-]+)"|(?:from|import\()"\.\/([\w.-]+)"/g,
        ),
      ])
      .map(([, read, imported]) => read ?? imported ?? "");
    expect(named.length).toBeGreaterThan(10);
    for (const name of named) expect(files).toContain(name);
  });

  it("makes keys on its own, far from the project", () => {
    const said = execFileSync(process.execPath, [inPackage("prosper-miner.mjs"), "keys", "--json"], {
      cwd: folder,
      encoding: "utf8",
    });
    const [first] = said.trimEnd().split("\n");
    expect(JSON.parse(first ?? "")).toMatchObject({ event: "key", kind: "FA" });
  });
});

describe("a tarball", () => {
  it("gives tar every file as it was, of any length", () => {
    const files = new Map(
      [0, 1, 511, 512, 513].map((size) => [`package/${size}.bin`, new Uint8Array(size).fill(size % 251)]),
    );
    const place = join(folder, "lengths");
    mkdirSync(place);
    writeFileSync(join(place, "a.tgz"), tarball(files));
    execFileSync("tar", ["xzf", "a.tgz"], { cwd: place });
    for (const [path, bytes] of files)
      expect(readFileSync(join(place, path)).equals(Buffer.from(bytes))).toBe(true);
  });

  it("refuses a name that its header has no room for", () => {
    expect(() => tarball(new Map([["x".repeat(101), new Uint8Array()]]))).toThrow(/at most 100 bytes/);
  });
});
