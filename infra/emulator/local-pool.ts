/** `npm run local`: the control stack on an emulator of AWS, an edge and a miner beside it, and the pages in the browser. */

import { join } from "node:path";
import { lockFolder } from "../../edge/lease/folder-lock.ts";
import { ensureAccess, ensureUser, type NewAdmin } from "../../functions/auth/bootstrap.ts";
import { createPasswords } from "../../functions/auth/password.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import type { Db } from "../../shared/db/port.ts";
import { lastSealedHeight, type SealedBlock, sealedSince } from "../../shared/db/seals.ts";
import { CodedError } from "../../shared/errors.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import { runEvery } from "../../shared/run-every.ts";
import { startParts } from "../parts.ts";
import { factoidAddress } from "../pool/key-addresses.ts";
import { startLocalMiners } from "../pool/local-miners.ts";
import { type CloudModules, type CloudOptions, startCloud } from "./cloud.ts";
import { startEdgeProcess } from "./edge-process.ts";
import { startFront } from "./front.ts";
import { invoke } from "./invoke.ts";

export interface LocalPoolOptions extends Omit<CloudOptions, "unsafeFast"> {
  readonly webPort: number;
  readonly miners: number;
}

export interface LocalPoolModules extends CloudModules {
  readonly openTable: (bits: number) => Promise<SharedTable>;
  readonly onSealed: (block: SealedBlock) => void;
  readonly onFatal: (error: CodedError) => void;
}

export interface LocalPool {
  readonly web: string;
  readonly stratum: string;
  readonly factomd: string;
  readonly admin: NewAdmin | undefined;
  readonly inviteCode: string;
  readonly guestAddress: string;
  stop(): Promise<void>;
}

const MINER_USER = "local";
/** The part of the time that the miner hashes. It leaves the cores to everything else on this machine. */
const MINER_DUTY = 0.2;
const LOOK_MS = 1_000;

/** Starts everything; what is already running is stopped when a later part fails. Rejects with CodedErrors. */
export function startLocalPool(options: LocalPoolOptions, modules: LocalPoolModules): Promise<LocalPool> {
  const { dataDir, blockSeconds, lxrBits, path, home } = options;
  const { random, logger, onStep } = modules;
  return startParts(logger, async (onStop, stopping) => {
    // Before anything is started: PostgreSQL would take the first pool's for what a crash has left, and end it.
    const lock = lockFolder(dataDir);
    onStop(async () => lock.release());
    const cloud = await startCloud({ ...options, canaryUser: MINER_USER }, modules);
    onStop(() => cloud.stop());
    const db = openPg({ url: cloud.databaseUrl });
    onStop(() => db.close());
    onStep("starting an edge");
    // The schedule's first run is a minute away.
    await invoke(cloud.emulator.endpoint, cloud.outputs.PollFunction, {});
    const edge = await startEdgeProcess({
      ...{ cloud, blockSeconds, lxrBits, path, home },
      dataDir: join(dataDir, "edge"),
      port: options.stratumPort,
      onLine: (line) => logger.debug("edge", { line }),
    });
    onStop(() => edge.program.stop());
    void edge.program.ended.then((code) => {
      if (stopping.aborted) return;
      const said = `the edge ended with exit code ${code}. Its last lines:\n${edge.program.tail()}`;
      modules.onFatal(new CodedError("edge", said));
    });
    const accounts = { db, random, passwords: createPasswords({}, { random }) };
    await ensureUser(db, MINER_USER, factoidAddress(cloud.keys.miner));
    const [host = "127.0.0.1", port = "0"] = edge.stratum.split(":");
    const where = { host, port: Number(port), user: MINER_USER, dutyCycle: MINER_DUTY };
    const table = options.miners > 0 ? await modules.openTable(lxrBits) : undefined;
    const miners =
      table === undefined ? [] : startLocalMiners({ ...where, count: options.miners }, { ...modules, table });
    onStop(() => Promise.all(miners.map((miner) => miner.stop())));
    const front = await startFront({
      host: "127.0.0.1",
      port: options.webPort,
      endpoint: cloud.emulator.endpoint,
      functionUrl: cloud.outputs.FunctionUrl,
      secret: options.originSecret,
    });
    onStop(() => front.stop());
    const telling = tellSeals(db, modules, stopping);
    onStop(() => telling);
    return {
      ...{ web: front.url, stratum: edge.stratum, factomd: cloud.devnet.factomd },
      ...(await ensureAccess(accounts)),
      guestAddress: factoidAddress(cloud.keys.guest ?? cloud.keys.miner),
    };
  });
}

/** Reports seals. Functions make them and tell nobody, so this looks for new ones. */
async function tellSeals(db: Db, modules: LocalPoolModules, signal: AbortSignal): Promise<void> {
  let told = await lastSealedHeight(db);
  const run = async (): Promise<void> => {
    for (const block of await sealedSince(db, told)) {
      told = block.height;
      modules.onSealed(block);
    }
  };
  await runEvery({ name: "seals", everyMs: LOOK_MS, run }, { ...modules, signal });
}
