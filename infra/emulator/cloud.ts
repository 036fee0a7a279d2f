/** AWS on this machine, as far as a pool needs it: PostgreSQL behind the Data API, a devnet, and the control stack on an emulator. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Clock, Random } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import { startParts } from "../parts.ts";
import { type DevnetKeys, ensureDevnetKeys } from "../pool/devnet-pool.ts";
import { type Postgres, startPostgres } from "../pool/embedded-postgres.ts";
import { creditAddress } from "../pool/key-addresses.ts";
import { keepPostgres } from "../pool/postgres-keeper.ts";
import { localRole } from "./data-api/local-role.ts";
import { startDataApiServer } from "./data-api/server.ts";
import { deployLocal, type LocalOutputs } from "./deploy.ts";
import { type MiniStack, startMiniStack } from "./ministack.ts";
import { firstLine, jsonLine } from "./process.ts";

export interface CloudOptions {
  /** For everything that is kept. */
  readonly dataDir: string;
  readonly installDir: string;
  readonly path: string;
  readonly home: string;
  readonly pipEnv: Readonly<Record<string, string>>;
  readonly blockSeconds: number;
  readonly lxrBits: number;
  /** Shown on the pages: the first edge's. */
  readonly stratumPort: number;
  /** The secret with which the front of the function URL proves itself. */
  readonly originSecret: string;
  /** A mail server of this machine, for alerts. */
  readonly smtp?: string;
  /** Account that the canary logs in as, made by the caller; without one there is no canary. */
  readonly canaryUser?: string;
  /** Test clusters only. */
  readonly unsafeFast?: boolean;
}

export interface CloudModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Called with a line for each step. */
  readonly onStep: (step: string) => void;
}

export interface Cloud {
  readonly databaseUrl: string;
  /** Stopped it is away, for the Data API too, until it is started again. */
  readonly postgres: Pick<Postgres, "stop" | "startAgain">;
  readonly dataApiUrl: string;
  readonly emulator: MiniStack;
  readonly devnet: { readonly factomd: string; readonly prices: string; readonly control: string };
  readonly keys: DevnetKeys;
  readonly outputs: LocalOutputs;
  stop(): Promise<void>;
}

const PROSPER = join(import.meta.dirname, "../cli/main.ts");
const READY_MS = 60_000;
const ready = v.object({
  event: v.literal("ready"),
  factomd: v.string(),
  prices: v.string(),
  control: v.string(),
});

/** Starts everything but the edges; what is already running is stopped when a later part fails. */
export function startCloud(options: CloudOptions, modules: CloudModules): Promise<Cloud> {
  const { dataDir, path, home, blockSeconds, lxrBits } = options;
  const { onStep } = modules;
  mkdirSync(dataDir, { recursive: true });
  return startParts(modules.logger, async (onStop) => {
    onStep("starting PostgreSQL, the Data API, a devnet and the emulator");
    const postgres = await startPostgres({
      dir: join(dataDir, "postgres"),
      ...(options.unsafeFast === undefined ? {} : { unsafeFast: options.unsafeFast }),
    });
    onStop(() => postgres.stop());
    const keeper = keepPostgres(postgres, modules);
    onStop(() => keeper.stop());
    const dataApi = await startDataApiServer({ databaseUrl: postgres.url, roleOf: localRole }, modules);
    onStop(() => dataApi.close());
    const keys = await ensureDevnetKeys(dataDir, modules.random);
    const devnet = await firstLine(
      {
        name: "prosper devnet",
        command: process.execPath,
        args: [
          ...[PROSPER, "devnet", "--json", "--block-seconds", `${blockSeconds}`, "--bits", `${lxrBits}`],
          ...["--data-dir", join(dataDir, "devnet"), "--ec", creditAddress(keys.es)],
        ],
        env: { PATH: path, HOME: home },
      },
      jsonLine(ready),
      READY_MS,
    );
    onStop(() => devnet.program.stop());
    const emulator = await startMiniStack(
      { ...options, onLine: (line) => modules.logger.debug("emulator", { line }) },
      modules,
    );
    onStop(() => emulator.stop());
    const outputs = await deployLocal({
      ...{ path, home, onStep, endpoint: emulator.endpoint },
      onLine: (line) => modules.logger.debug("cdk", { line }),
      folder: join(dataDir, "deployment"),
      local: {
        dataApi: dataApi.url,
        priceFeed: devnet.value.prices,
        stratumPort: options.stratumPort,
        ...{ blockSeconds, lxrBits, originSecret: options.originSecret },
        ...(options.smtp !== undefined && { smtp: options.smtp }),
        ...(options.canaryUser === undefined ? {} : { canaryUser: options.canaryUser }),
        // It lasts as long as the devnet itself, and is worth as little.
        receiptSecret: keys.fs,
      },
    });
    return {
      databaseUrl: postgres.url,
      postgres,
      dataApiUrl: dataApi.url,
      emulator,
      devnet: devnet.value,
      keys,
      outputs,
    };
  });
}
