/** The network of the chaos run. It is not killed: the pool is on trial. */

import { startDevnet } from "../../../../infra/devnet/main.ts";
import { DEVNET_DEFAULTS } from "../../../../infra/devnet/options.ts";
import { systemClock, systemRandom } from "../../../../shared/clock.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { smallHasher } from "../../../support/hash/small-hasher.ts";
import { PAYER_ADDRESS, partOptions, tell } from "../options.ts";

const { blockMs, bits } = partOptions();
const devnet = await startDevnet(
  {
    ...DEVNET_DEFAULTS,
    blockMs,
    rivalHashes: 3_000,
    credits: [{ address: PAYER_ADDRESS, balance: 100_000_000 }],
  },
  { clock: systemClock, random: systemRandom, logger: SILENT, hasher: smallHasher(bits) },
);
tell({ ready: true, factomd: devnet.factomdUrl, feed: devnet.feedUrl });
