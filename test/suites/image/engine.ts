/** Building and running images where no registry can be reached: Debian's buildah and podman, on a base image made here under the real one's name. */

import { execFile } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { whyNotInstalled } from "../../support/optional-suite.ts";
import { PROJECT } from "../../support/processes/prosper.ts";

const exec = promisify(execFile);

const PACKAGES = ["buildah", "podman", "runc", "mmdebstrap"];
export type Arch = "x64" | "arm64";
export const HERE: Arch = process.arch === "arm64" ? "arm64" : "x64";
/** The base of edge/Dockerfile, for both processors, as a registry has it. Under this name the file builds unchanged. */
const NODE_BASE = "docker.io/library/node:24-bookworm-slim";
/** Of the stage that installs the cross compiler. */
const PYTHON_BASE = "docker.io/library/python:3.13-slim-bookworm";
/** What the two names mean here. */
const baseOf = (arch: Arch): string => `localhost/prosper-base:${arch}`;
/** The engines' words. */
export const PLATFORMS = { x64: "linux/amd64", arm64: "linux/arm64" } as const;
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
/** No CAP_SYS_RESOURCE in a sandbox: the limits that every process here has. */
const LIMITS = ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=20000:20000"];

export async function run(command: string, args: readonly string[], timeoutMs = 600_000): Promise<string> {
  const { stdout } = await exec(command, [...args], { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** Why images cannot be built here; undefined when they can. Installs what is missing. */
export function whyNot(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "it needs Linux and root";
  return whyNotInstalled(PACKAGES, () =>
    PACKAGES.every((name) => existsSync(`/usr/bin/${name}`) || existsSync(`/usr/sbin/${name}`)),
  );
}

/**
 * For this machine: Debian, this project's own Node 24, this machine's npm, Python and pip. For the other kind of processor: Debian unpacked and not
 * set up, and Node for it. Nothing of that one can be run.
 */
export async function makeBases(folder: string): Promise<void> {
  const other: Arch = HERE === "x64" ? "arm64" : "x64";
  if (!(await isThere(baseOf(HERE))))
    await commit(HERE, await makeOwnBase(join(folder, "base")), [`NODE_EXTRA_CA_CERTS=${CERTIFICATES}`]);
  if (!(await isThere(baseOf(other))))
    await commit(other, await unpackBase(join(folder, "other"), other), []);
  await run("buildah", ["manifest", "rm", NODE_BASE]).catch(() => undefined);
  await run("podman", ["untag", NODE_BASE]).catch(() => undefined);
  await run("buildah", ["manifest", "create", NODE_BASE]);
  for (const arch of [HERE, other])
    await run("buildah", ["manifest", "add", NODE_BASE, `containers-storage:${baseOf(arch)}`]);
  await run("buildah", ["tag", baseOf(HERE), PYTHON_BASE]);
}

async function makeOwnBase(root: string): Promise<string> {
  await debian(root, ["--variant=minbase", "--include=ca-certificates,python3-pip"]);
  const require = createRequire(import.meta.url);
  copyFileSync(require.resolve(`node-linux-${HERE}/bin/node`), join(root, "usr/local/bin/node"));
  // …/npm/bin/npm-cli.js behind the command's link.
  const npm = dirname(dirname(realpathSync(await run("which", ["npm"]))));
  cpSync(npm, join(root, "usr/local/lib/node_modules/npm"), { recursive: true, dereference: true });
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/local/bin/npm"));
  // A network that inspects its traffic has certificates of its own.
  if (existsSync(CERTIFICATES)) copyFileSync(CERTIFICATES, join(root, CERTIFICATES));
  return root;
}

async function unpackBase(root: string, arch: Arch): Promise<string> {
  const debianArch = PLATFORMS[arch].replace("linux/", "");
  await debian(root, [
    "--variant=extract",
    `--architectures=${debianArch}`,
    "--include=base-files,libstdc++6,dash",
  ]);
  const packages = join(root, "../node-package");
  mkdirSync(packages);
  for (const name of ["package.json", "package-lock.json", ".npmrc"])
    copyFileSync(join(PROJECT, name), join(packages, name));
  // The version that this project has locked.
  const flags = ["--omit=dev", "--ignore-scripts", "--os=linux", `--cpu=${arch}`, "--libc=glibc"];
  await run("npm", ["ci", "--prefix", packages, ...flags]);
  mkdirSync(join(root, "usr/local/bin"), { recursive: true });
  copyFileSync(join(packages, `node_modules/node-linux-${arch}/bin/node`), join(root, "usr/local/bin/node"));
  rmSync(packages, { recursive: true });
  return root;
}

async function debian(root: string, args: readonly string[]): Promise<void> {
  mkdirSync(root, { recursive: true });
  const archive = `${root}.tar`;
  await run("mmdebstrap", ["--quiet", ...args, "bookworm", archive]);
  await run("tar", ["-C", root, "-xf", archive]);
  rmSync(archive);
}

async function commit(arch: Arch, root: string, env: readonly string[]): Promise<void> {
  const container = await run("buildah", ["from", "--platform", PLATFORMS[arch], "scratch"]);
  await run("buildah", ["add", "-q", container, root, "/"]);
  const variables = [...env, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"];
  await run("buildah", [
    ...["config", "--arch", PLATFORMS[arch].replace("linux/", ""), "--cmd", "node"],
    ...[...variables.flatMap((variable) => ["--env", variable]), container],
  ]);
  await run("buildah", ["commit", "-q", "--rm", container, baseOf(arch)]);
  rmSync(root, { recursive: true, force: true });
}

function isThere(image: string): Promise<boolean> {
  return run("buildah", ["inspect", "--type", "image", image]).then(
    () => true,
    () => false,
  );
}

/** The Dockerfile as it is, for a platform. Debian's buildah does not know the builder's own platform by itself, as docker and newer ones do. */
export function build(
  tag: string,
  arch: Arch,
  dockerfile: string,
  args: Readonly<Record<string, string>>,
): Promise<string> {
  const given = Object.entries({ ...args, BUILDPLATFORM: PLATFORMS[HERE] }).flatMap(([key, value]) => [
    "--build-arg",
    `${key}=${value}`,
  ]);
  return run("buildah", [
    // Layers: what both platforms have is made once.
    ...[
      "bud",
      "--layers",
      "--isolation",
      "chroot",
      "--network",
      "host",
      "--pull-never",
      "--format",
      "docker",
    ],
    ...["--platform", PLATFORMS[arch], ...given, "-t", tag, "-f", dockerfile, PROJECT],
  ]);
}

export interface ImageFile {
  readonly type: "d" | "f" | "l" | "other";
  /** For example "0755". */
  readonly mode: string;
  readonly owner: string;
}

/** Every file of an image by its path, read without running it. */
export async function filesOf(tag: string): Promise<ReadonlyMap<string, ImageFile>> {
  return await mounted(tag, async (root) => {
    const lines = await run("find", [root, "-printf", "%y %m %U:%G /%P\\n"]);
    return new Map(
      lines.split("\n").map((line): [string, ImageFile] => {
        const [, kind = "", mode = "", owner = "", path = ""] = /^(\S+) (\S+) (\S+) (.*)$/.exec(line) ?? [];
        const type = kind === "d" || kind === "f" || kind === "l" ? kind : "other";
        return [path, { type, mode: mode.padStart(4, "0"), owner }];
      }),
    );
  });
}

export async function readFromImage(tag: string, path: string): Promise<Buffer> {
  return await mounted(tag, async (root) => await readFile(join(root, path)));
}

async function mounted<T>(tag: string, use: (root: string) => Promise<T>): Promise<T> {
  const root = await run("podman", ["image", "mount", tag]);
  try {
    return await use(root);
  } finally {
    await run("podman", ["image", "unmount", tag]);
  }
}

/** As ECS runs it: nothing may be written but the volume. */
export function start(name: string, tag: string, env: Readonly<Record<string, string>>): Promise<string> {
  const given = Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  return run("podman", [
    ...[
      "--runtime",
      "runc",
      "run",
      "-d",
      "--name",
      name,
      "--network",
      "host",
      "--read-only",
      "--read-only-tmpfs=false",
    ],
    ...[...LIMITS, ...given, tag],
  ]);
}
