/** `prosper payout sign`: makes the entries of a prepared payout with the paying key. Needs neither database nor network. */

import { toHex } from "../../../shared/bytes.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { KeyPair } from "../../../shared/factom/ed25519.ts";
import { encodeEntry, entryHash } from "../../../shared/factom/entry.ts";
import { faAddressOf, signPegBatch, splitPegPayments } from "../../../shared/factom/fat2.ts";
import { writeNewFile } from "../../durable-file.ts";
import { formatPeg } from "../audit.ts";
import { formatFile, isUntouched, type PreparedFile, readPreparedFile, type SignedFile } from "./files.ts";

/** The entries that pay the lines: the same lines, salt and key make the same bytes, however often. */
export function signEntries(
  { lines, saltSeconds }: Pick<PreparedFile, "lines" | "saltSeconds">,
  signer: KeyPair,
): SignedFile["entries"] {
  const payments = lines.map(({ address, amount }) => ({ address, amount }));
  return splitPegPayments(faAddressOf(signer), payments, saltSeconds).map((batch) => {
    const raw = encodeEntry(signPegBatch(signer, batch, saltSeconds));
    return { entryHash: entryHash(raw), raw: toHex(raw), count: batch.length };
  });
}

/** Throws CodedErrors `payout-invalid`, `payout-file`. */
export async function signCommand(
  options: { readonly file: string; readonly signedFile: string; readonly signer: KeyPair },
  modules: { readonly print: (line: string) => void },
): Promise<void> {
  const prepared = await readPreparedFile(options.file);
  if (!isUntouched(prepared))
    throw new CodedError(
      "payout-invalid",
      `${options.file}: its lines are not those it was prepared with: prepare it again instead of editing it`,
    );
  const source = faAddressOf(options.signer);
  const entries = signEntries(prepared, options.signer);
  await writeNewFile(
    options.signedFile,
    formatFile({ ...prepared, prosper: "signed-payout", source, entries }),
  );
  const total = prepared.lines.reduce((sum, { amount }) => sum + amount, 0n);
  modules.print(
    `Signed: ${formatPeg(total)} PEG from ${source} to ${prepared.lines.length} users, ${entries.length} entries, in ${options.signedFile}`,
  );
}
