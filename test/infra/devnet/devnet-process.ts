/** A devnet as a process of its own, for tests that kill it. Arguments: data folder. Prints a line a block. */

import { devnetCommand } from "../../../infra/cli/network/devnet.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";

await devnetCommand(
  { dataDir: process.argv[2], blockSeconds: 0.3, rivalHashes: "300", json: true },
  {
    clock: systemClock,
    random: systemRandom,
    logger: SILENT,
    hasher: smallHasher(8),
    print: (line) => process.stdout.write(`${line}\n`),
    signal: new AbortController().signal,
  },
);
