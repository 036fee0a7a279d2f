/** The payout commands as their users run them, over modules that may die. */

import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CompareOptions,
  requireAllBooked,
  requireNothingUnbooked,
} from "../../../infra/cli/payout/compare.ts";
import { confirmCommand } from "../../../infra/cli/payout/confirm.ts";
import { dbPayoutCommand, dbRecordCommand } from "../../../infra/cli/payout/db.ts";
import { payCommand } from "../../../infra/cli/payout/pay.ts";
import { prepareCommand } from "../../../infra/cli/payout/prepare.ts";
import { sendCommand } from "../../../infra/cli/payout/send.ts";
import { signCommand } from "../../../infra/cli/payout/sign.ts";
import { toHex } from "../../../shared/bytes.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { Db } from "../../../shared/db/port.ts";
import { encodeAddress } from "../../../shared/factom/address.ts";
import type { Factomd } from "../../../shared/factom/client.ts";
import { keyPairFromSeed } from "../../../shared/factom/ed25519.ts";
import { faAddressOf } from "../../../shared/factom/fat2.ts";
import type { Pegnetd } from "../../../shared/factom/pegnetd.ts";

export const PAYER_SEED = new Uint8Array(32).fill(1);
export const POOL_SEED = new Uint8Array(32).fill(2);
export const payer = keyPairFromSeed(PAYER_SEED);
export const pool = keyPairFromSeed(POOL_SEED);
/** The pool's receipt key. */
export const poolKeys = keyPairFromSeed(new Uint8Array(32).fill(3));
export const POOL_KEY = toHex(poolKeys.publicKey);

export interface StepModules {
  readonly db: Db;
  readonly factomd: Factomd;
  readonly pegnetd?: Pegnetd;
  readonly clock: Clock;
  /** Addresses that are known to pay; those of the pool's key by default. */
  readonly sources?: readonly string[];
  readonly byHand?: boolean;
  /** What the person at the terminal says. */
  readonly answer?: boolean;
}

export type Step = "prepare" | "sign" | "send" | "confirm" | "list" | "pay" | "record";
/** As an operator goes through them; a step whose file is there already is done. */
export const STEPS: readonly Step[] = ["prepare", "sign", "send"];
export const THIN_STEPS: readonly Step[] = ["list", "pay", "record"];

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "prosper-payout-"));
}

/** Runs one command; prints go to `lines`. */
export async function runStep(
  step: Step,
  folder: string,
  modules: StepModules,
  lines: string[] = [],
): Promise<void> {
  const file = (name: string): string => join(folder, name);
  const print = (line: string): void => void lines.push(line);
  const { byHand = false, answer = true } = modules;
  const compare: CompareOptions = { sources: modules.sources ?? [faAddressOf(pool)], mayForget: true };
  const base = { ...modules, print, warn: print, ask: async () => answer };
  const all = { ...base, compare: () => requireAllBooked(compare, base) };
  const sending = {
    ...base,
    compare: (source: string) =>
      requireNothingUnbooked({ ...compare, sources: [...compare.sources, source] }, base),
  };
  switch (step) {
    case "prepare":
      return existsSync(file("pay.json"))
        ? undefined
        : prepareCommand({ file: file("pay.json"), minimum: 0n, poolKeys }, all);
    case "sign":
      if (existsSync(file("signed.json"))) return undefined;
      return signCommand(
        {
          file: file("pay.json"),
          signedFile: file("signed.json"),
          signer: pool,
          folder: file("memory"),
          poolKey: POOL_KEY,
        },
        all,
      );
    case "send":
      return sendCommand({ file: file("signed.json"), payer, byHand }, sending);
    case "confirm":
      return void (await confirmCommand({}, all));
    case "list":
      return existsSync(file("list.json"))
        ? undefined
        : dbPayoutCommand(file("list.json"), { ...all, poolKeys });
    case "pay":
      if (existsSync(file("receipt.json"))) return undefined;
      return payCommand(
        {
          payFile: file("list.json"),
          receiptFile: file("receipt.json"),
          sourceSecret: encodeAddress("Fs", POOL_SEED),
          creditSecret: encodeAddress("Es", PAYER_SEED),
          folder: file("memory"),
          byHand,
        },
        sending,
      );
    case "record":
      return dbRecordCommand(file("receipt.json"), { ...all, byHand });
  }
}
