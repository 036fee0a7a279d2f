/** `npm run local`: the program around infra/emulator/local-pool.ts. */

import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { toHex } from "../../shared/bytes.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { CodedError, coerceError } from "../../shared/errors.ts";
import { openTable } from "../../shared/hash/open-table.ts";
import { runPool } from "../cli/services/pool-view.ts";
import { shutdownSignal } from "../cli/shutdown.ts";
import { createLogger } from "../pino-logger.ts";
import { startLocalPool } from "./local-pool.ts";

const HELP = `npm run local -- [flags]: the pool's functions on an emulator of AWS (MiniStack), PostgreSQL, a devnet, an edge and a miner
  --data-dir DIR        default ~/.prosper/local
  --web-port N          the pages, 7070; 0 picks a free one
  --stratum-port N      miners, 1234; 0 picks a free one
  --block-seconds N     length of a block, 10
  --miners N            local miners, 1
  --json                one JSON line an event
`;
const LXR_BITS = 16;

const { values: flags } = parseArgs({
  options: {
    "data-dir": { type: "string", default: join(homedir(), ".prosper/local") },
    "web-port": { type: "string", default: "7070" },
    "stratum-port": { type: "string", default: "1234" },
    "block-seconds": { type: "string", default: "10" },
    miners: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) process.stdout.write(HELP);
else process.exitCode = await run();

async function run(): Promise<number> {
  const dataDir = resolve(flags["data-dir"]);
  mkdirSync(dataDir, { recursive: true });
  const logger = createLogger({ level: "debug", file: join(dataDir, "local.log") });
  const signal = shutdownSignal(logger);
  const system = { clock: systemClock, random: systemRandom, logger };
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    return await runPool({ json: flags.json, bits: LXR_BITS }, { print, logger, signal }, (hooks) =>
      startLocalPool(
        {
          dataDir,
          installDir: join(homedir(), ".prosper"),
          path: process.env["PATH"] ?? "",
          home: homedir(),
          pipEnv: pipEnvironment(),
          blockSeconds: number("block-seconds"),
          lxrBits: LXR_BITS,
          stratumPort: number("stratum-port"),
          webPort: number("web-port"),
          miners: number("miners"),
          originSecret: toHex(systemRandom(20)),
        },
        { ...system, ...hooks, openTable: (bits) => openTable({ bits, logger, signal }) },
      ),
    );
  } catch (error) {
    process.stderr.write(`${coerceError(error).message}\n`);
    return 1;
  }
}

function number(name: "web-port" | "stratum-port" | "block-seconds" | "miners"): number {
  const value = Number(flags[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new CodedError("flag-invalid", `--${name}: expected a number, got ${flags[name]}`);
}

/** The machine's own settings for pip: they say where packages come from. */
function pipEnvironment(): Record<string, string> {
  const names = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_CERT",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "https_proxy",
  ];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
