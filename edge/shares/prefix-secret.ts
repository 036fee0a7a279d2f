/**
 * The secret behind the order of nonce prefixes, kept in the edge's data folder. With it one can hash ahead under prefixes that are still to come.
 */

import type { Random } from "../../shared/clock.ts";
import type { Disk } from "../journal/disk.ts";
import { keptHex } from "../lease/kept-hex.ts";

/** 32 bytes, made at the first start. Throws CodedError `prefix-secret` where the file holds something else. */
export async function prefixSecret(
  folder: string,
  modules: { readonly disk: Disk; readonly random: Random },
): Promise<Uint8Array> {
  const hex = await keptHex(
    {
      folder,
      file: "prefix-secret",
      bytes: 32,
      code: "prefix-secret",
      otherwise: "remove it: a new one is made, and nothing that was mined is lost",
    },
    modules,
  );
  return new Uint8Array(Buffer.from(hex, "hex"));
}
