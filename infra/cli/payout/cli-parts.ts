/** What the payout commands are given, from flags, configuration and folders: keys, nodes, and the comparison with the chain. */

import type { Command } from "commander";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { TWO } from "../../../shared/db/payout-approvals.ts";
import type { Db } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { requireAddress } from "../../../shared/factom/address.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { type KeyPair, keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { createPegnetd, type Pegnetd } from "../../../shared/factom/pegnetd.ts";
import { readDevnetPool } from "../../pool/devnet-pool.ts";
import { connectFactomd } from "../../pool/factomd.ts";
import { factoidAddress } from "../../pool/key-addresses.ts";
import type { CliContext, SchemaCare } from "../context.ts";
import { outputOf } from "../output.ts";
import { showProgress } from "../progress.ts";
import {
  type CompareModules,
  type CompareOptions,
  requireAllBooked,
  requireNothingUnbooked,
} from "./compare.ts";
import type { PoolKeySources } from "./pool-key.ts";
import { type PrivateKeys, readKeyFile } from "./private-keys.ts";

/** Opens the pool's database for `work`. */
export type WithDb = (
  command: Command,
  work: (db: Db) => Promise<void>,
  options?: { readonly schema?: SchemaCare },
) => Promise<void>;

/** Commands with this option find `dataDir` in their flags: see program.ts. */
export const DATA_DIR = [
  "--data-dir <dir>",
  "folder of the pool, where no database is configured (default: PROSPER_DATA_DIR, else where there is one)",
] as const;
export const KEY_FILE = [
  "--key-file <file>",
  "file with the Fs… or Es… key on a line of its own, or one of each; `-`: standard input",
] as const;
export const FS = [
  "--fs <key>",
  "Fs… key that pays the PEG, for everybody on this machine to see (default: --key-file, else PROSPER_FS_KEY, else the devnet pool's)",
] as const;
export const ES = [
  "--es <key>",
  "Es… key that pays the entry credits, likewise (default: --key-file, else pool.esaddress, else the devnet pool's)",
] as const;
export const BY_HAND = [
  "--by-hand",
  "the list was written or changed by hand: take it though the pool has not prepared it",
] as const;
export const RECEIPT_KEY = [
  "--receipt-key <file>",
  "file with the pool's receipt key (default: that of a pool on this machine, or of PROSPER_RECEIPT_SECRET)",
] as const;
export const POOL_KEY = [
  "--pool-key <hex>",
  "the pool's public key, which `prosper payout prepare` prints: needed once, then remembered in the data folder",
] as const;
export const SOURCE = [
  "--source <FA…>",
  "an address that the pool pays from, beside those it has paid from and pool.oprcoinbase",
] as const;

export interface PayoutFlags {
  dataDir: string;
  fs?: string;
  es?: string;
  keyFile?: string;
  fhost?: string;
  yes?: boolean;
  byHand?: boolean;
  poolKey?: string;
  receiptKey?: string;
  source?: string;
}

/**
 * Reading a key that is missing throws CodedError `payout-key`. One may be missing: who signs offline has no
 * credits, and who sends has no PEG.
 */
export interface PaymentKeys {
  readonly fs: string;
  readonly es: string;
}

export async function readPaymentKeys(context: CliContext, flags: PayoutFlags): Promise<PaymentKeys> {
  const devnet = readDevnetPool(flags.dataDir);
  const file: PrivateKeys =
    flags.keyFile === undefined ? { fs: undefined, es: undefined } : await readKeyFile(flags.keyFile);
  const missing = (what: string): never => {
    throw new CodedError("payout-key", `expected ${what}`);
  };
  return {
    get fs() {
      const fs = flags.fs ?? file.fs ?? context.env["PROSPER_FS_KEY"] ?? devnet?.keys.fs;
      return fs ?? missing("an Fs… key: put it into a file for --key-file, or set PROSPER_FS_KEY");
    },
    get es() {
      const es = flags.es ?? file.es ?? (context.config.pool.esaddress || devnet?.keys.es);
      return es ?? missing("an Es… key: put it into a file for --key-file, or set pool.esaddress");
    },
  };
}

export async function signerOf(context: CliContext, flags: PayoutFlags): Promise<KeyPair> {
  return keyPairFromSeed(requireAddress("Fs", (await readPaymentKeys(context, flags)).fs));
}

export async function payerOf(context: CliContext, flags: PayoutFlags): Promise<KeyPair> {
  return keyPairFromSeed(requireAddress("Es", (await readPaymentKeys(context, flags)).es));
}

/** Where this machine may have the pool's receipt key. */
export function poolKeySources(context: CliContext, flags: PayoutFlags): PoolKeySources {
  // Where a database is configured, the folder is that of `prosper edge`.
  const dataDirs = context.hasDatabase() ? [context.edgeFolder(), flags.dataDir] : [flags.dataDir];
  return { file: flags.receiptKey, secret: context.env["PROSPER_RECEIPT_SECRET"], dataDirs };
}

export interface Chain {
  readonly factomd: Factomd;
  readonly pegnetd?: Pegnetd;
  readonly options: CompareOptions;
  /** For whoever prepares. */
  requireAllBooked(db: Db): () => Promise<void>;
  /** For whoever sends. */
  requireNothingUnbooked(db: Db): (source: string) => Promise<void>;
  modules(db: Db): CompareModules;
}

/** The nodes of the configuration; those of the devnet pool in the folder, unless the command line names its own. */
export function openChain(command: Command, context: CliContext): Chain {
  const flags = command.optsWithGlobals<PayoutFlags>();
  const devnet = flags.fhost === undefined ? readDevnetPool(flags.dataDir) : undefined;
  const url = devnet?.factomd ?? context.config.factom.factomdlocation;
  // A devnet's node serves factomd and pegnetd.
  const pegnetdUrl = devnet?.factomd.replace(/\/v2$/, "/v1") ?? context.config.payout.pegnetdlocation;
  const parts = { fetch, clock: systemClock, random: systemRandom };
  const factomd = connectFactomd(url, { ...parts, logger: context.logger() });
  const pegnetd =
    pegnetdUrl === "" ? undefined : createPegnetd({ url: pegnetdUrl, timeoutMs: 10_000 }, parts);
  if (flags.source !== undefined) requireAddress("FA", flags.source);
  const coinbase = devnet === undefined ? context.config.pool.oprcoinbase : factoidAddress(devnet.keys.fs);
  const sources = [flags.source ?? "", coinbase].filter((source) => source !== "");
  const options: CompareOptions = { sources, mayForget: devnet !== undefined };
  const progress = showProgress({ stream: process.stderr, clock: systemClock });
  const modules = (db: Db): CompareModules => {
    const { warn } = outputOf(command);
    return { db, factomd, pegnetd, clock: systemClock, print: warn, progress };
  };
  return {
    factomd,
    ...(pegnetd === undefined ? {} : { pegnetd }),
    options,
    modules,
    requireAllBooked: (db) => () => requireAllBooked(options, modules(db)),
    requireNothingUnbooked: (db) => (source) =>
      requireNothingUnbooked({ ...options, sources: [...options.sources, source] }, modules(db)),
  };
}

/** How many people must agree to a payout before it may be sent. */
export function approvalsNeeded(context: CliContext): number {
  return context.config.pool.twoadministrators ? TWO : 0;
}

/** `pay.json` → `pay.NAME.json`. */
export function beside(file: string, name: string): string {
  return `${file.replace(/\.json$/, "")}.${name}.json`;
}
