/** MiniStack, an emulator of AWS that needs no container engine: installed once from PyPI into a folder of its own, run as a process. */

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Clock, sleep } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { freePort } from "../free-port.ts";
import { isHealthy } from "./await-emulator.ts";
import { type Program, runProgram, startProgram } from "./process.ts";

/** Later versions have not been tried. */
export const MINISTACK_VERSION = "1.5.33";
const START_MS = 60_000;
const POLL_MS = 100;
/** Its own shutdown takes seconds, and sometimes hangs. */
const STOP_MS = 5_000;

export interface MiniStackOptions {
  /** Where its virtual environment is kept between starts. */
  readonly installDir: string;
  /** Of this process: where python3 is. */
  readonly path: string;
  readonly home: string;
  /** pip's own settings, as for a package index of one's own. */
  readonly pipEnv: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

export interface MiniStack {
  readonly endpoint: string;
  readonly program: Program;
  stop(): Promise<void>;
}

/** Starts it on a free port of the loopback address. Throws CodedError `emulator` with what to do. */
export async function startMiniStack(
  options: MiniStackOptions,
  modules: { clock: Clock },
): Promise<MiniStack> {
  const python = await install(options);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const program = startProgram({
    name: "MiniStack",
    command: python,
    args: ["-m", "ministack"],
    // Its functions inherit these variables, so only those are here that AWS would give them. They run the first `node` of the path.
    env: {
      PATH: `${dirname(process.execPath)}:${options.path}`,
      HOME: options.home,
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: `${port}`,
      IOT_MTLS_ENABLED: "0",
    },
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  });
  const { clock } = modules;
  const deadlineMs = clock.monotonicMs() + START_MS;
  while (!(await isHealthy(endpoint))) {
    if (program.child.exitCode !== null || clock.monotonicMs() > deadlineMs) {
      await program.stop(0);
      throw new CodedError("emulator", `MiniStack did not start. Its last lines:\n${program.tail()}`);
    }
    await sleep(clock, POLL_MS);
  }
  return { endpoint, program, stop: () => program.stop(STOP_MS) };
}

/** The interpreter that has MiniStack. */
async function install({ installDir, path, home, pipEnv }: MiniStackOptions): Promise<string> {
  const dir = join(installDir, `ministack-${MINISTACK_VERSION}`);
  const python = join(dir, "bin/python");
  const done = join(dir, "bin/ministack");
  if (existsSync(done)) return python;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(installDir, { recursive: true });
  const env = { ...pipEnv, PATH: path, HOME: home, PIP_DISABLE_PIP_VERSION_CHECK: "1" };
  try {
    await runProgram({ name: "python3 -m venv", command: "python3", args: ["-m", "venv", dir], env });
    const wanted = `ministack==${MINISTACK_VERSION}`;
    await runProgram({
      name: "pip install",
      command: python,
      args: ["-m", "pip", "install", "-q", wanted],
      env,
    });
  } catch (thrown) {
    rmSync(dir, { recursive: true, force: true });
    throw new CodedError(
      "emulator",
      `MiniStack ${MINISTACK_VERSION} cannot be installed: it needs Python 3.10 or newer with venv, and PyPI once. ${coerceError(thrown).message}`,
      { cause: thrown },
    );
  }
  return python;
}
