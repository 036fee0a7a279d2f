/** A real disk that fills in the middle of a write: no file of this process may grow beyond so many bytes. */

import { execFileSync } from "node:child_process";

/** Runs `work` meanwhile; what does not fit is written in part and refused (EFBIG). Linux only. */
export async function withFullDisk<T>(bytes: number, work: () => T | Promise<T>): Promise<T> {
  const limit = (soft: string): void =>
    void execFileSync("prlimit", ["--pid", `${process.pid}`, `--fsize=${soft}:unlimited`]);
  limit(`${bytes}`);
  try {
    return await work();
  } finally {
    limit("unlimited");
  }
}
