/** What every process of the chaos run is told. */

import { createHash } from "node:crypto";
import { encodeAddress } from "../../../shared/factom/address.ts";
import { type KeyPair, keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { faAddressOf } from "../../../shared/factom/fat2.ts";

export interface PartOptions {
  readonly folder: string;
  readonly databaseUrl: string;
  readonly bits: number;
  readonly blockMs: number;
  /** 0 at the first start; afterwards the same again. */
  readonly port: number;
  readonly factomd: string;
  readonly feed: string;
  readonly queue: string;
  readonly edgePorts: readonly number[];
  readonly miners: number;
  readonly shareEveryMs: number;
  readonly seed: number;
}

function keys(name: string): KeyPair {
  return keyPairFromSeed(new Uint8Array(createHash("sha256").update(`chaos ${name}`).digest()));
}

export const PAYER = keys("payer");
export const PAYER_ADDRESS = encodeAddress("EC", PAYER.publicKey);
export const COINBASE = faAddressOf(keys("coinbase"));

/** The accounts that exist; the miners are spread over them. */
export const USERS = Array.from({ length: 20 }, (_, n) => `user${n}`);
/** Who sends one share a thousand times. */
export const REPLAYER = "replayer";

export function partOptions(): PartOptions {
  // A part ends with the run, however that ends.
  process.stdin.resume();
  process.stdin.on("close", () => process.exit(0));
  const text = process.argv[2];
  if (text === undefined) throw new Error("this program is started by test/suites/chaos/main.ts");
  return JSON.parse(text) as PartOptions;
}

/** One JSON line for the parent. */
export function tell(message: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
