/** The route by which a miner fetches the proof that its work was counted. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { workerName } from "../../../shared/messages/summary.ts";
import { createProofs, MOST_WORKERS, RECEIPTS } from "../figures/proofs.ts";
import { heightQuery, wholeQuery } from "../http/inputs.ts";
import { type ApiRoute, NO_BODY, refused, userRoute, view } from "../http/route.ts";
import type { ApiModules, ApiOptions } from "../options.ts";

const receipts = v.optional(
  wholeQuery(
    "expected a number of receipts",
    { least: 0, most: MOST_WORKERS },
    "how many receipts came before: then of the next workers alone, to be added to those",
  ),
);

export function proofRoutes(options: ApiOptions, modules: ApiModules): ApiRoute[] {
  const proofs = createProofs(options, modules);
  return [
    userRoute({
      method: "GET",
      path: "/api/me/blocks/{height}/proof",
      summary: `A proof file for \`prosper verify\`, with signed receipts: that your workers' shares and work, or those of one worker, are in a block's root; an answer has ${RECEIPTS} receipts at most, and a header Link says where the rest is`,
      reply: "Proof",
      refuses: ["404 not-sealed", "404 no-work", "422 too-many"],
      query: { worker: v.optional(about(workerName, "only this worker of yours", "rig-1")), receipts },
      body: NO_BODY,
      run: async ({ session, params, query }) => {
        const height = v.safeParse(heightQuery, params["height"]);
        const outcome =
          height.success && height.output !== undefined
            ? await proofs.prove(height.output, session.user.name, query)
            : { kind: "not-sealed" as const };
        switch (outcome.kind) {
          case "proof":
            return { ...view(outcome.file), headers: nextOf(outcome, params["height"], query.worker) };
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

function nextOf(
  { next }: { readonly next: number | null },
  height: string | undefined,
  worker: string | undefined,
): Record<string, string> {
  if (next === null) return {};
  const query = new URLSearchParams({ ...(worker !== undefined && { worker }), receipts: `${next}` });
  return { link: `</api/me/blocks/${height}/proof?${query}>; rel="next"` };
}
