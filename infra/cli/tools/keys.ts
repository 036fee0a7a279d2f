/** `prosper keys`: a new pair for payouts (FA, Fs) and one for entry credits (EC, Es), made on this machine and told to nobody. */

import type { Random } from "../../../shared/clock.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { makeBackupKeys } from "../../backup/backup-key.ts";
import { writeNewFile } from "../../durable-file.ts";
import { creditAddress, factoidAddress } from "../../pool/key-addresses.ts";
import type { Print } from "../output.ts";

/** A pair for encrypted backups. `out`: a new file for the secret key, which is then not shown. Throws CodedError `payout-file`. */
export async function backupKeysCommand(
  { out }: { readonly out?: string | undefined },
  { print }: { readonly print: Print },
): Promise<void> {
  const { publicKey, secretKey } = makeBackupKeys();
  if (out !== undefined) await writeNewFile(out, `${secretKey}\n`, "key file");
  const shown = out === undefined ? { secret: secretKey } : { file: out };
  print(`${publicKey}\n    for the pool's machine: prosper backup PLACE --encrypt-to …`, {
    ...{ event: "key", kind: "backup", key: publicKey, ...shown },
  });
  if (out === undefined) print(secretKey);
  print(
    `Keep ${out === undefined ? "the secret key" : `the file ${out}`} away from the pool's machine, and a copy on paper: without it no backup can be read.`,
    { event: "keep" },
  );
}

/** `out`: a new file for both secret keys, as `--key-file` takes it; they are then not shown. Throws CodedError `payout-file`. */
export async function keysCommand(
  { out }: { readonly out?: string | undefined },
  modules: { readonly random: Random; readonly print: Print },
): Promise<void> {
  const { random, print } = modules;
  const fs = encodeAddress("Fs", random(32));
  const es = encodeAddress("Es", random(32));
  const pairs = [
    {
      ...{ address: factoidAddress(fs), secret: fs, names: ["FA", "Fs"] },
      for: "your payout address: PEG goes there. Give it to a pool, or set it as pool.oprcoinbase of your own",
    },
    {
      ...{ address: creditAddress(es), secret: es, names: ["EC", "Es"] },
      for: "your entry credits, which a pool's records and payouts cost: buy them for this address, set the Es key as pool.esaddress",
    },
  ];
  if (out !== undefined) await writeNewFile(out, `${fs}\n${es}\n`, "key file");
  for (const { address, secret, names, for: purpose } of pairs) {
    const shown = out === undefined ? { secret } : { file: out };
    print(`${names[0]}  ${address}\n    ${purpose}`, { event: "key", kind: names[0], address, ...shown });
    if (out === undefined) print(`${names[1]}  ${secret}`, { event: "secret", kind: names[1], secret });
  }
  const where = out === undefined ? "both Fs and Es" : `the file ${out}`;
  print(
    `Keep ${where} where nobody else can read it, and a copy on paper: who has an Fs key has its PEG, and nobody can make a lost one again.`,
    { event: "keep" },
  );
}
