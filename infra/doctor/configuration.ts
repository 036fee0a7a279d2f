/** Is the configuration one that a pool can run with? */

import { CodedError } from "../../shared/errors.ts";
import { edgeOptions, pollOptions } from "../pool/pool-settings.ts";
import { type Check, ok, red, skipped } from "./finding.ts";

export const configuration: Check = {
  name: "configuration",
  async look({ config, isDevnet, dataDir }) {
    if (isDevnet) return [skipped("a devnet pool makes its own settings")];
    try {
      edgeOptions(config, dataDir);
      pollOptions(config);
    } catch (thrown) {
      if (!(thrown instanceof CodedError)) throw thrown;
      return [
        red(
          thrown.message,
          "Set it in the configuration; `prosper config FILE` writes every key with its help",
        ),
      ];
    }
    return [ok(`rewards go to ${config.pool.oprcoinbase}, records are by ${config.pool.opridentity}`)];
  },
};
