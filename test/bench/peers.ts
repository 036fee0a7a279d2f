/** The programs of `--peers DIR`: docs/performance.md, "Peers". */

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../infra/free-port.ts";
import type { Peers } from "./bench.ts";
import type { Room } from "./room.ts";

const NAMES = ["pool", "miner", "lxrhash", "checkout"] as const;
export const NO_PEERS: Peers = {
  pool: undefined,
  miner: undefined,
  lxrhash: undefined,
  checkout: undefined,
};
/** A table of 30 bits may have to be read. */
const READY_MS = 180_000;

/** Those that are there, and the names of those that are not. Throws Error where there is no such folder. */
export function findPeers(folder: string): { readonly peers: Peers; readonly missing: readonly string[] } {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`--peers: expected a folder of programs, got ${folder}, which is none`);
  const found = Object.fromEntries(
    NAMES.flatMap((name) => {
      const path = resolve(join(folder, name));
      return (name === "checkout" ? isCheckout(path) : isProgram(path)) ? [[name, path]] : [];
    }),
  );
  return { peers: { ...NO_PEERS, ...found }, missing: NAMES.filter((name) => found[name] === undefined) };
}

function isCheckout(path: string): boolean {
  return existsSync(join(path, "package.json"));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** A stratum server under test, ours or a peer's. */
export interface StratumUnderTest {
  readonly port: number;
  readonly pid: number;
  /** Announces another job to all. */
  nextJob(): void;
}

/** `pool PORT BITS`, which has its first job. */
export async function startPeerPool(program: string, bits: number, room: Room): Promise<StratumUnderTest> {
  const port = await freePort();
  const child = room.spawn(program, [`${port}`, `${bits}`], { stdio: ["pipe", "ignore", "inherit"] });
  const untilMs = performance.now() + READY_MS;
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null || child.pid === undefined || performance.now() > untilMs)
      throw new Error(`${program}: expected a stratum server on port ${port}, got none`);
    await pause(50);
  }
  let height = 1000;
  const nextJob = (): void => {
    height += 1;
    child.stdin?.write(`job ${height} ${height.toString(16).padStart(64, "0")}\n`);
  };
  nextJob();
  return { port, pid: child.pid ?? 0, nextJob };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("close", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}
