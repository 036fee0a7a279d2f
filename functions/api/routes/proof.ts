/** The route by which a miner fetches the proof that its work was counted. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { workerName } from "../../../shared/messages/summary.ts";
import { createProofs, MOST_WORKERS } from "../figures/proofs.ts";
import { heightQuery } from "../http/inputs.ts";
import { type ApiRoute, NO_BODY, refused, userRoute, view } from "../http/route.ts";
import type { ApiModules, ApiOptions } from "../options.ts";

export function proofRoutes(options: ApiOptions, modules: ApiModules): ApiRoute[] {
  const proofs = createProofs(options, modules);
  return [
    userRoute({
      method: "GET",
      path: "/api/me/blocks/{height}/proof",
      summary:
        "A proof file for `prosper verify`, with signed receipts: that your workers' shares and work, or those of one worker, are in a block's root",
      reply: "Proof",
      refuses: ["404 not-sealed", "404 no-work", "422 too-many"],
      query: { worker: v.optional(about(workerName, "only this worker of yours", "rig-1")) },
      body: NO_BODY,
      run: async ({ session, params, query }) => {
        const height = v.safeParse(heightQuery, params["height"]);
        const outcome =
          height.success && height.output !== undefined
            ? await proofs.prove(height.output, session.user.name, query.worker)
            : { kind: "not-sealed" as const };
        switch (outcome.kind) {
          case "proof":
            return view(outcome.file);
          case "not-sealed":
            return refused("404 not-sealed", "no sealed block has that height");
          case "no-work":
            return refused("404 no-work", "you have no work in that block under that name");
          case "too-many":
            return refused(
              "422 too-many",
              `you had ${outcome.workers} workers, more than ${MOST_WORKERS}: name one with ?worker=`,
            );
        }
      },
    }),
  ];
}
