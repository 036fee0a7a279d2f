/** The load generator's process: does what its parent asks over their channel, one call at a time, and ends with it. */

import { coerceError } from "../../../shared/errors.ts";
import type { Request } from "./generator.ts";
import { Swarm } from "./swarm.ts";

const swarm = new Swarm();
process.on("disconnect", () => process.exit(0));
// The parent ends it: Ctrl-C reaches the whole group.
process.on("SIGINT", () => undefined);
process.on("message", ({ call, options }: Request) => {
  const run = swarm[call].bind(swarm) as (given: unknown) => Promise<unknown>;
  run(options).then(
    (value) => process.send?.({ value }),
    (thrown: unknown) => process.send?.({ error: coerceError(thrown).message }),
  );
});
