/** The miner's package over HTTP: `npx URL` takes it from here, so that no registry has a name that a stranger could take first. */

import { FILE_HEADERS, type HttpReply } from "../http.ts";
import type { MinerFile } from "./asset-files.ts";

const NAME = /^\/(prosper-miner-[\w.-]{0,64}\.tgz)$/;

/**
 * Undefined at other addresses. An older name (from a page left open, or a line that was kept) is answered with the miner of today: it is the one
 * that fits this pool. Under its own name it never changes.
 */
export function minerFileReply(path: string, miner: MinerFile): HttpReply | undefined {
  const name = NAME.exec(path)?.[1];
  if (name === undefined) return undefined;
  return {
    statusCode: 200,
    headers: {
      ...FILE_HEADERS,
      "content-type": "application/gzip",
      "cache-control": name === miner.name ? "public, max-age=31536000, immutable" : "no-cache",
      etag: `"${miner.name}"`,
    },
    body: miner.tgz,
    isBase64Encoded: true,
  };
}
