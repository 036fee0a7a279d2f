/** `prosper payout sign`: makes the entries of a prepared payout with the paying key. Needs neither database nor network. */

import { isPayoutOf, payoutDigest } from "../../../shared/accounting/payout-signature.ts";
import { toHex } from "../../../shared/bytes.ts";
import { counted } from "../../../shared/counted.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import { CodedError } from "../../../shared/errors.ts";
import type { KeyPair } from "../../../shared/factom/ed25519.ts";
import { encodeEntry, entryHash } from "../../../shared/factom/entry.ts";
import { faAddressOf, signPegBatch, splitPegPayments } from "../../../shared/factom/fat2.ts";
import { writeNewFile } from "../../durable-file.ts";
import { type DigestModules, printDigest } from "./digest.ts";
import { formatFile, isUntouched, type PreparedFile, readPreparedFile, type SignedFile } from "./files.ts";
import { readMemory, remember, writeMemory } from "./memory.ts";
import { trustedPoolKey } from "./pool-key.ts";
import { confirmByPerson, type ReviewModules } from "./review.ts";

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

/** Throws CodedError `payout-invalid` unless the pool with this key has signed the list as it is. */
export function requirePools(file: string, prepared: PreparedFile, poolKey: string): void {
  if (isPayoutOf(poolKey, prepared, prepared.signature) && isUntouched(prepared)) return;
  throw new CodedError(
    "payout-invalid",
    `${file}: it is not what the pool with the key ${poolKey} has prepared: somebody changed it on its way, or another pool made it. Nothing was signed; prepare it again, and find out who had the file`,
  );
}

export interface SignOptions {
  readonly file: string;
  readonly signedFile: string;
  readonly signer: KeyPair;
  /** Where this machine keeps its memory. */
  readonly folder: string;
  /** The pool's public key, where it is given now. */
  readonly poolKey?: string | undefined;
  /** The keys of a pool on this machine. */
  readonly own?: KeyPair | undefined;
}

/**
 * Signs what the pool prepared, after showing it to a person. Throws CodedErrors `payout-invalid` (also for a list that the pool has not
 * signed), `payout-key`, `payout-memory`, `payout-declined`, `unasked`, `payout-file`.
 */
export async function signCommand(
  options: SignOptions,
  modules: ReviewModules & DigestModules,
): Promise<void> {
  const { file, folder, signer } = options;
  const prepared = await readPreparedFile(file);
  const memory = await readMemory(folder);
  const poolKey = trustedPoolKey(options.poolKey, { memory, folder, own: options.own });
  requirePools(file, prepared, poolKey);
  const source = faAddressOf(signer);
  modules.print(
    `Payout ${prepared.id}, prepared ${new Date(prepared.saltSeconds * 1000).toISOString()}, paid from ${source}:`,
  );
  printDigest(payoutDigest(prepared), modules);
  await confirmByPerson("Sign this?", prepared.lines, memory.paidAt, modules);
  const entries = signEntries(prepared, signer);
  await writeNewFile(
    options.signedFile,
    formatFile({ ...prepared, prosper: "signed-payout", source, entries }),
  );
  await writeMemory(folder, remember({ ...memory, poolKey }, prepared.lines));
  const total = prepared.lines.reduce((sum, { amount }) => sum + amount, 0n);
  modules.print(
    `Signed: ${formatPeg(total)} PEG from ${source} to ${counted(prepared.lines.length, "user")}, ${counted(entries.length, "entry", "entries")}, in ${options.signedFile}`,
    {
      ...{ event: "signed", id: prepared.id, total, source, users: prepared.lines.length },
      ...{ entries: entries.map(({ entryHash }) => entryHash), file: options.signedFile },
    },
  );
}
