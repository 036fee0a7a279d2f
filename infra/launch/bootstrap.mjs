// From any Node ≥ 20 to the project's own Node 24 with all packages installed. Plain JavaScript, no dependencies.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const NODE_MAJOR = 24;
/**
 * On a machine with much memory V8 lets the space of young objects grow to 128 MiB: of what an edge with 5,000 connections takes, two thirds. With this it
 * is 16. V8 heeds it at the start of a process only. The image says the same.
 */
const SERVICE_FLAGS = ["--max-semi-space-size=8"];

/** True when node_modules holds what package-lock.json asks for: npm keeps its own copy of the lock there. */
function isInstalled() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const present = JSON.parse(readFileSync(installed, "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === "" || entry.optional || present[path]?.version === entry.version,
  );
}

function install() {
  process.stderr.write("Installing packages (npm ci), once …\n");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const done = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (done.status !== 0) {
    process.stderr.write(
      "npm ci failed: see its message above. Run it in the project's folder until it passes, then start again.\n",
    );
    process.exit(1);
  }
}

/** The project's Node 24 binary, or this process's own when it is new enough. */
function findNode() {
  const own = Number(process.versions.node.split(".")[0]);
  const name = { linux: `node-linux-${process.arch}`, win32: `node-win-${process.arch}` }[process.platform];
  const binary =
    name && join(root, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
  if (binary && existsSync(binary)) return binary;
  if (own >= NODE_MAJOR) return process.execPath;
  process.stderr.write(
    `prosper needs Node ${NODE_MAJOR} or newer; this is ${process.version} and npm has no Node ${NODE_MAJOR} package for ${process.platform}-${process.arch}. Install Node ${NODE_MAJOR} and run the same command again.\n`,
  );
  process.exit(1);
}

/**
 * Node keeps what it has compiled, and the types it has stripped, for later starts: loading the product takes a third of the time then. The folder
 * goes with the packages (npm ci empties it), a source that was changed is compiled anew, and where the folder cannot be written nothing is kept.
 * Threads and child processes find it by the variable; whoever sets that decides.
 */
function keepCompiledCode() {
  process.env.NODE_COMPILE_CACHE ??= join(root, "node_modules", ".cache", "prosper");
  // Node 20 has no such cache, but its child may.
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
}

/**
 * Runs a .ts file of the project, or an installed tool by name, and ends with its exit code. `isService`: it is to run for long, beside others.
 * On a new enough Node this is the same process; else a child, tied to this one by a channel: when this process is killed, the child is too.
 */
export async function run(target, args, { isService = false } = {}) {
  if (!isInstalled()) install();
  const node = findNode();
  // The tools gain nothing by it, and coverage is counted better without.
  if (target.endsWith(".ts")) keepCompiledCode();
  const script = target.endsWith(".ts") ? join(root, target) : toolScript(target);
  const flags = isService ? SERVICE_FLAGS : [];
  if (node === process.execPath || Number(process.versions.node.split(".")[0]) >= NODE_MAJOR) {
    // The same process from its beginning, where the system can (Windows cannot).
    if (flags.some((flag) => !process.execArgv.includes(flag)))
      process.execve?.(node, [node, ...flags, ...process.execArgv, ...process.argv.slice(1)], process.env);
    process.argv = [process.argv[0], script, ...args];
    await import(pathToFileURL(script).href);
    return;
  }
  const path = `${dirname(node)}${process.platform === "win32" ? ";" : ":"}${process.env.PATH}`;
  const child = spawn(node, [...flags, "--import", join(root, "infra/launch/tether.mjs"), script, ...args], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, PATH: path },
  });
  // The terminal sends Ctrl-C to the whole group: the child shuts down by itself, and this process waits for it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

function toolScript(tool) {
  const manifest = JSON.parse(readFileSync(join(root, "node_modules", tool, "package.json"), "utf8"));
  const bin = typeof manifest.bin === "string" ? manifest.bin : manifest.bin[tool];
  return join(root, "node_modules", tool, bin);
}
