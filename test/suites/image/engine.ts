/** Building and running images where no registry can be reached: Debian's buildah and podman, on a base image made here under the real one's name. */

import { execFile } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { whyNotInstalled } from "../../support/optional-suite.ts";

const exec = promisify(execFile);

const PACKAGES = ["buildah", "podman", "runc", "mmdebstrap"];
/** The base of edge/Dockerfile. Under this name the file builds unchanged. */
export const BASE = "docker.io/library/node:24-bookworm-slim";
/** The same with a compiler. Here both are one, made with it. */
const BASE_WITH_COMPILER = "docker.io/library/node:24-bookworm";
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

/** Debian, this project's own Node 24 and this machine's npm, as the real base has them. */
export async function makeBase(folder: string): Promise<void> {
  if ((await isThere(BASE)) && (await isThere(BASE_WITH_COMPILER))) return;
  const root = join(folder, "base");
  mkdirSync(root, { recursive: true });
  const archive = join(folder, "base.tar");
  await run("mmdebstrap", [
    "--variant=minbase",
    "--include=ca-certificates,gcc,libc6-dev",
    "bookworm",
    archive,
  ]);
  await run("tar", ["-C", root, "-xf", archive]);
  rmSync(archive);
  const require = createRequire(import.meta.url);
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  const node = require.resolve(`node-linux-${arch}/bin/node`);
  copyFileSync(node, join(root, "usr/local/bin/node"));
  // …/npm/bin/npm-cli.js behind the command's link.
  const npm = dirname(dirname(realpathSync(await run("which", ["npm"]))));
  cpSync(npm, join(root, "usr/local/lib/node_modules/npm"), { recursive: true, dereference: true });
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/local/bin/npm"));
  // A network that inspects its traffic has certificates of its own.
  if (existsSync(CERTIFICATES)) copyFileSync(CERTIFICATES, join(root, CERTIFICATES));
  const container = await run("buildah", ["from", "scratch"]);
  await run("buildah", ["add", "-q", container, root, "/"]);
  await run("buildah", [
    ...[
      "config",
      "--env",
      `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`,
      "--env",
      "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    ],
    ...["--cmd", "node", container],
  ]);
  await run("buildah", ["commit", "-q", "--rm", container, BASE]);
  await run("buildah", ["tag", BASE, BASE_WITH_COMPILER]);
  rmSync(root, { recursive: true, force: true });
}

function isThere(image: string): Promise<boolean> {
  return run("buildah", ["inspect", "--type", "image", image]).then(
    () => true,
    () => false,
  );
}

/** The Dockerfile as it is. */
export function build(
  tag: string,
  context: string,
  dockerfile: string,
  args: Readonly<Record<string, string>>,
): Promise<string> {
  const given = Object.entries(args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
  return run("buildah", [
    ...["bud", "--isolation", "chroot", "--network", "host", "--pull-never", "--format", "docker"],
    ...[...given, "-t", tag, "-f", dockerfile, context],
  ]);
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
