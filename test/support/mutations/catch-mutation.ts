/** Runs the simulator on code with one fault put in, in a process of its own. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Mutation } from "./mutation.ts";

const MAIN = fileURLToPath(new URL("../../suites/simulate/main.ts", import.meta.url));

/** What the simulator said when it found the fault; undefined when it did not within the mutation's schedules. */
export function catchMutation({ name, within }: Mutation): Promise<string | undefined> {
  const args = [
    MAIN,
    "--mutate",
    name,
    "--schedules",
    String(within),
    "--steps",
    String(Number.MAX_SAFE_INTEGER),
  ];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 16 * 1024 * 1024 }, (_error, _stdout, stderr) => {
      resolve(stderr.split("\n").find((line) => /^seed \d+ failed: /.test(line)));
    });
  });
}
