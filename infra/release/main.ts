/**
 * Makes a release's files: `npm run build:release [-- FOLDER]`, `dist/release` unless given. They are of the commit that is checked out, whatever else
 * lies in the project's folder: the sources with the native kernels beside them as one archive, the kernels by themselves, and the sha256 of each.
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { coerceError } from "../../shared/errors.ts";
import { crossBuild, KERNEL_TARGETS } from "./kernels.ts";
import { installZig } from "./zig.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const KERNEL = "shared/hash/kernel";
const SUMS = "SHA256SUMS";
const exec = promisify(execFile);
const git = async (...args: string[]): Promise<string> => (await exec("git", args, { cwd: PROJECT })).stdout;

const dir = resolve(process.argv[2] ?? join(PROJECT, "dist/release"));
const workshop = mkdtempSync(join(tmpdir(), "prosper-release-"));
try {
  const commit = (await git("rev-parse", "HEAD")).trim();
  const { version }: { version: string } = JSON.parse(await git("show", `${commit}:package.json`));
  const env = Object.entries(process.env).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value]],
  );
  const zig = await installZig({ installDir: join(homedir(), ".prosper"), env: Object.fromEntries(env) });

  const sources = join(workshop, "sources.tar");
  await git("archive", "-o", sources, commit, KERNEL);
  await exec("tar", ["-C", workshop, "-xf", sources]);
  mkdirSync(dir, { recursive: true });
  const present = readdirSync(dir);
  if (present.length > 0 && !present.includes(SUMS))
    throw new Error(
      `${dir}: expected a new or empty folder, or one with an earlier release, got one with ${present[0]}: name another`,
    );
  for (const file of present) rmSync(join(dir, file), { recursive: true });
  await crossBuild({
    targets: KERNEL_TARGETS,
    sources: join(workshop, KERNEL),
    dir,
    zig,
    cacheDir: join(homedir(), ".cache", "prosper", "zig"),
    onMade: (file) => void process.stdout.write(`${file}\n`),
  });

  const name = `prosper-pool-${version}`;
  const kernels = readdirSync(dir).sort();
  await git(
    ...["archive", "--format=tar.gz", "-o", join(dir, `${name}.tar.gz`)],
    // Times and owners are the commit's: the same commit gives the same archive.
    ...[
      `--prefix=${name}/${KERNEL}/prebuilt/`,
      ...kernels.map((kernel) => `--add-file=${join(dir, kernel)}`),
    ],
    ...[`--prefix=${name}/`, commit],
  );
  const sums = readdirSync(dir)
    .sort()
    .map(
      (file) =>
        `${createHash("sha256")
          .update(readFileSync(join(dir, file)))
          .digest("hex")}  ${file}\n`,
    );
  writeFileSync(join(dir, SUMS), sums.join(""));
  process.stdout.write(`release ${version} of commit ${commit} is in ${dir}\n`);
} catch (error) {
  process.stderr.write(`${coerceError(error).message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(workshop, { recursive: true, force: true });
}
