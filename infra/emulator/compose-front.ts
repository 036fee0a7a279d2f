/**
 * The compose file's deployer: waits for the emulator, deploys the control stack to it, polls once, then serves in front of the api function
 * as CloudFront does. `node infra/emulator/compose-front.ts --endpoint URL --data-api URL --price-feed URL …`
 */

import { mkdtempSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { toHex } from "../../shared/bytes.ts";
import { systemClock, systemRandom } from "../../shared/clock.ts";
import { coerceError } from "../../shared/errors.ts";
import { awaitEmulator } from "./await-emulator.ts";
import { deployLocal } from "./deploy.ts";
import { startFront } from "./front.ts";
import { invoke } from "./invoke.ts";

const { values: flags } = parseArgs({
  options: {
    endpoint: { type: "string", default: "http://127.0.0.1:4566" },
    "data-api": { type: "string", default: "http://127.0.0.1:4570" },
    "price-feed": { type: "string", default: "http://127.0.0.1:8089" },
    "block-seconds": { type: "string", default: "10" },
    bits: { type: "string", default: "16" },
    "stratum-port": { type: "string", default: "3333" },
    "web-host": { type: "string", default: "127.0.0.1" },
    "web-port": { type: "string", default: "7070" },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const { endpoint } = flags;
  say("waiting for the emulator");
  await awaitEmulator(endpoint, { clock: systemClock });
  const originSecret = toHex(systemRandom(20));
  const outputs = await deployLocal({
    endpoint,
    folder: mkdtempSync(join(tmpdir(), "prosper-deploy-")),
    path: process.env["PATH"] ?? "",
    home: homedir(),
    onStep: say,
    local: {
      dataApi: flags["data-api"],
      priceFeed: flags["price-feed"],
      stratumPort: Number(flags["stratum-port"]),
      blockSeconds: Number(flags["block-seconds"]),
      lxrBits: Number(flags.bits),
      originSecret,
      // It lasts as long as the emulated pool's books, and is worth as little.
      receiptSecret: "emulated",
    },
  });
  await invoke(endpoint, outputs.PollFunction, {});
  const front = await startFront({
    ...{ endpoint, host: flags["web-host"], port: Number(flags["web-port"]) },
    functionUrl: outputs.FunctionUrl,
    secret: originSecret,
  });
  say(`the pages are on ${front.url}; the queue is ${outputs.QueueUrl}`);
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.once(name, () => void front.stop().then(() => process.exit(0)));
} catch (error) {
  process.stderr.write(`${coerceError(error).message}\n`);
  process.exitCode = 1;
}
