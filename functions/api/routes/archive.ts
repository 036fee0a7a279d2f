/** The list of the archive's files: who keeps it sees later whether what a pool has on record was changed. */

import { about } from "../../../shared/about.ts";
import { archiveFiles } from "../../../shared/db/archive.ts";
import { heightQuery, limitQuery } from "../http/inputs.ts";
import { type ApiRoute, NO_BODY, publicRoute, view } from "../http/route.ts";
import type { ApiModules } from "../options.ts";
import type { ArchiveListView } from "../views/archive.ts";

/** A file is added once in a block, days after it. */
const KEEP_SECONDS = 5;

export function archiveRoutes({ db }: ApiModules): ApiRoute[] {
  return [
    publicRoute({
      method: "GET",
      path: "/api/archive",
      keepSeconds: KEEP_SECONDS,
      summary:
        "Files that the deltas of sealed blocks have moved to, in the order of writing, each hashed onto the one before it with its block's root",
      reply: "ArchiveList",
      query: {
        limit: limitQuery,
        after: about(heightQuery, "only files after this one: `next` of the page before"),
      },
      body: NO_BODY,
      run: async ({ query }) => {
        const rows = await archiveFiles(db, query.after ?? 0, query.limit);
        const files = rows.map(({ no, height, part, deltas, bytes, root, keysSha256, sha256, chain }) => ({
          ...{ no, height, part, deltas, bytes: bytes.toString(), root: root ?? "" },
          ...{ keysSha256, sha256, chain },
        }));
        const next = rows.length < query.limit ? null : (rows.at(-1)?.no ?? null);
        return view({ files, next } satisfies ArchiveListView);
      },
    }),
  ];
}
