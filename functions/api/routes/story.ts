/** The route that tells what became of a share, an entry, a block or a payment. */

import { storyId, tellStories } from "../figures/story.ts";
import { type ApiRoute, NO_BODY, refused, userRoute, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";

export function storyRoute(modules: ApiModules): ApiRoute {
  return userRoute({
    method: "GET",
    path: "/api/me/story/{id}",
    summary:
      "What became of a share (by its nonce), an entry (by its hash), a block (by its height) or a payment: of your own, for an administrator of everybody",
    reply: "Stories",
    refuses: ["400 bad-input"],
    query: {},
    body: NO_BODY,
    run: async ({ session, params }) => {
      const id = storyId(params["id"] ?? "");
      if (id === undefined)
        return refused(
          "400 bad-input",
          "expected a block height, an entry hash of 64 hex digits, or a share's nonce of 10 to 64",
        );
      return view(await tellStories(id, session.user, modules));
    },
  });
}
