/** `--install-service` and `--uninstall-service`: shows what it would do, asks, does it; takes away what it has made, and nothing else. */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CodedError } from "../../../shared/errors.ts";
import type { Print } from "../output.ts";
import { minerFile, writeMinerFile } from "./miner-file.ts";
import type { MinerSettings } from "./miner-settings.ts";
import { type CommandLine, MARK, type ServiceFile, type ServicePlace, serviceFile } from "./service-files.ts";

/** How this program is started again. */
export interface OwnProgram {
  /** Before the miner's flags. */
  readonly command: CommandLine;
  /** The folder that it lies in, where that may go away (npm's cache): it is copied, and the last of `command` is a file in it. */
  readonly folder?: string;
}

export interface ServiceModules {
  readonly place: ServicePlace;
  readonly program: OwnProgram;
  /** Throws CodedErrors `declined`, `unasked`. */
  readonly confirm: (question: string) => Promise<void>;
  /** The exit code, and what it said. */
  readonly run: (command: CommandLine) => Promise<{ readonly code: number; readonly said: string }>;
  readonly print: Print;
}

/** Below the home: program, settings and, on macOS, the log. */
const FOLDER = ".prosper/miner";

interface Plan extends ServiceFile {
  readonly folder: string;
  readonly settingsFile: string;
  /** Where the program is copied to. */
  readonly copy: string | undefined;
}

/** Throws CodedErrors `service`, `declined`, `unasked`, `config`. */
export async function installService(settings: MinerSettings, modules: ServiceModules): Promise<void> {
  const { confirm, print, program, run } = modules;
  const plan = planOf(modules);
  if (existsSync(plan.path) && !isOurs(plan.path))
    throw new CodedError("service", `${plan.path} is there already and is not ours: move it away first`);
  print(`${plan.path}:\n\n${plan.text}`);
  if (plan.copy !== undefined) print(`The program is copied to ${plan.copy}, since npm may empty its cache.`);
  const word = existsSync(plan.settingsFile) ? "replaced" : "written";
  print(`The settings that hold now are ${word} in ${plan.settingsFile}.`);
  print(`Then: ${plan.start.map((line) => line.join(" ")).join("; ")}`);
  await confirm("Install it?");
  mkdirSync(plan.folder, { recursive: true, mode: 0o700 });
  if (plan.copy !== undefined && program.folder !== undefined) {
    rmSync(plan.copy, { recursive: true, force: true });
    cpSync(program.folder, plan.copy, { recursive: true, dereference: true });
  }
  writeMinerFile(plan.settingsFile, minerFile({ ...settings, plain: true }), { replace: true });
  mkdirSync(dirname(plan.path), { recursive: true });
  writeFileSync(plan.path, plan.text);
  await runAll(plan.start, run);
  print(`It runs, and starts with this machine. ${plan.words}. Away with it: --uninstall-service`);
}

/** Throws CodedErrors `service`, `declined`, `unasked`. */
export async function uninstallService(modules: ServiceModules): Promise<void> {
  const { confirm, print, run } = modules;
  const plan = planOf(modules);
  if (!existsSync(plan.path))
    throw new CodedError("service", `there is no ${plan.path}: nothing to take away`);
  if (!isOurs(plan.path))
    throw new CodedError("service", `${plan.path} was not written by this program: take it away yourself`);
  print(
    `${plan.stop.map((line) => line.join(" ")).join("; ")}; then away with ${plan.path} and ${plan.folder}`,
  );
  await confirm("Take it away?");
  await runAll(plan.stop, run);
  rmSync(plan.path);
  rmSync(plan.folder, { recursive: true, force: true });
  await runAll(plan.forget, run);
  print("It is gone. The table stays in ~/.lxrhash.");
}

function planOf({ place, program }: ServiceModules): Plan {
  const folder = join(place.home, FOLDER);
  const settingsFile = join(folder, "miner.toml");
  const copy = program.folder === undefined ? undefined : join(folder, "program");
  const [first, ...rest] = program.command;
  const words = copy === undefined ? rest : [...rest.slice(0, -1), join(copy, rest.at(-1) ?? "")];
  const file = serviceFile([first, ...words, "--settings", settingsFile], place, join(folder, "miner.log"));
  return { ...file, folder, settingsFile, copy };
}

function isOurs(path: string): boolean {
  return readFileSync(path, "utf8").includes(MARK.slice(0, MARK.indexOf("--")));
}

async function runAll(lines: readonly CommandLine[], run: ServiceModules["run"]): Promise<void> {
  for (const line of lines) {
    const { code, said } = await run(line);
    if (code !== 0)
      throw new CodedError("service", `${line.join(" ")} ended with ${code}: ${said.trim() || "no word"}`);
  }
}
