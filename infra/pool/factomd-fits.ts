/** Whether the configured factomd is on the network that the pool is configured for: found out at the start, not by a chain that cannot be followed. */

import { CodedError, coerceError } from "../../shared/errors.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";

/** Two block lengths of one network differ by rounding only; those of two networks by a multiple. */
const MOST_APART = 1.5;

/** Throws CodedError `config` with what to do. A node that does not answer is none of this: it may come back. */
export async function requireFit(
  factomd: Pick<Factomd, "heights" | "currentMinute">,
  { pegnet }: Pick<Config, "pegnet">,
  { logger }: { readonly logger: Logger },
): Promise<void> {
  const seen = await Promise.all([factomd.heights(), factomd.currentMinute()]).catch((thrown: unknown) => {
    logger.warn("factomd cannot be asked whether it is on the right network", {
      problem: coerceError(thrown).message,
    });
  });
  if (seen === undefined) return;
  const [{ directoryBlock }, { blockSeconds }] = seen;
  // A node says whole seconds, at least one.
  const wanted = Math.max(1, pegnet.blockperiod / 1000);
  if (blockSeconds > 0 && Math.max(blockSeconds / wanted, wanted / blockSeconds) > MOST_APART)
    throw new CodedError(
      "config",
      `factomd's blocks take ${blockSeconds} s, and pegnet.blockperiod is ${wanted} s: it is on another network; name a node of this one in factom.factomdlocation, or set pegnet.blockperiod`,
    );
  if (directoryBlock < pegnet.startheight)
    throw new CodedError(
      "config",
      `factomd is at height ${directoryBlock}, and pegnet.startheight is ${pegnet.startheight}: it is on another network, or has not caught up yet; name another node in factom.factomdlocation, or wait for this one`,
    );
}
