/**
 * `prosper payout prepare`: puts what is owed on record as a batch, named by its lines and signed by the
 * pool.
 */

import { unlink } from "node:fs/promises";
import { type BatchLine, type LeftOut, whyLeftOut } from "../../../shared/accounting/payout-batch.ts";
import { payoutDigest, signPayout } from "../../../shared/accounting/payout-signature.ts";
import { toHex } from "../../../shared/bytes.ts";
import type { Clock } from "../../../shared/clock.ts";
import { counted } from "../../../shared/counted.ts";
import { COMMAND_LINE } from "../../../shared/db/payout-approvals.ts";
import { type Payable, type Prepared, prepareBatch } from "../../../shared/db/payout-batches.ts";
import type { Db } from "../../../shared/db/port.ts";
import { formatPeg } from "../../../shared/decimal.ts";
import type { KeyPair } from "../../../shared/factom/ed25519.ts";
import { writeNewFile } from "../../durable-file.ts";
import type { Print } from "../output.ts";
import { type DigestModules, printDigest } from "./digest.ts";
import { formatFile } from "./files.ts";

export interface PrepareModules {
  readonly db: Db;
  readonly clock: Clock;
  /** Rejects where the chain has payments that the books do not know (`requireAllBooked`). */
  readonly compare: () => Promise<void>;
  readonly print: Print;
  readonly warn: (line: string) => void;
}

/** A file to be written: it must not exist yet. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Prepares a payout of everybody who is owed at least `minimum` (1e-8 PEG) and can be paid. Each user left
 * out gets a line that says why. The files of `filesOf` are written before the payout is on record: where one
 * cannot be written, nothing goes on record. Throws CodedError `payout-file` and what `compare` does.
 */
export async function preparePayout(
  options: {
    readonly minimum: bigint;
    readonly filesOf?: (prepared: Prepared) => readonly NewFile[];
    /** See `prepareBatch`. */
    readonly by?: string | undefined;
    readonly approvalsNeeded?: number | undefined;
  },
  modules: PrepareModules,
): Promise<Prepared | undefined> {
  const { filesOf = () => [], by, approvalsNeeded } = options;
  await modules.compare();
  let left: string[] = [];
  const written: string[] = [];
  try {
    const prepared = await prepareBatch(modules.db, {
      by,
      approvalsNeeded,
      nowSeconds: Math.floor(modules.clock.wallMs() / 1000),
      choose: (payable) => {
        left = [];
        return payable.filter((one) => {
          const why = whyLeftOut(one, options.minimum);
          if (why !== undefined) left.push(leftOutText(one, why, options.minimum));
          return why === undefined;
        });
      },
      onPrepared: async (made) => {
        for (const { path, text } of filesOf(made)) {
          await writeNewFile(path, text);
          written.push(path);
        }
      },
    });
    for (const why of left) modules.warn(`Left out: ${why}`);
    if (prepared?.replaced !== undefined) modules.warn(replacedText(prepared.replaced));
    return prepared;
  } catch (error) {
    // It would tell of a payout that is not on record.
    for (const path of written) await unlink(path).catch(() => undefined);
    throw error;
  }
}

/** The message about a prepared list that another one replaces. */
export function replacedText({ id, total }: { readonly id: string; readonly total: bigint }): string {
  return `This takes the place of payout ${id} (${formatPeg(total)} PEG), which was prepared and not sent`;
}

function leftOutText({ user, address, amount }: Payable, why: LeftOut, minimum: bigint): string {
  switch (why) {
    case "overpaid":
      return `${user} has had ${formatPeg(-amount)} PEG more than was owed`;
    case "no-address":
      return `${user} is owed ${formatPeg(amount)} PEG but has no payout address`;
    case "bad-address":
      return `${user} is owed ${formatPeg(amount)} PEG but has no valid payout address: ${JSON.stringify(address)}`;
    case "held":
      return `${user} is owed ${formatPeg(amount)} PEG and has changed the payout address within the last 24 hours: paid later`;
    case "minimum":
      return `${user} is owed ${formatPeg(amount)} PEG, less than the minimum of ${formatPeg(minimum)}`;
  }
}

export interface PrepareOptions {
  readonly file: string;
  readonly minimum: bigint;
  readonly poolKeys: KeyPair;
  /** How many must agree before it may be sent. */
  readonly approvalsNeeded?: number | undefined;
}

/** Writes the prepared payout to a new file. Throws CodedError `payout-file`. */
export async function prepareCommand(
  options: PrepareOptions,
  modules: PrepareModules & DigestModules,
): Promise<void> {
  const { file, minimum, poolKeys, approvalsNeeded = 0 } = options;
  const prepared = await preparePayout(
    {
      minimum,
      by: COMMAND_LINE,
      approvalsNeeded,
      filesOf: (made) => [{ path: file, text: preparedText(made, poolKeys) }],
    },
    modules,
  );
  if (prepared === undefined) {
    modules.print("Nothing is to be paid", { event: "nothing-to-pay" });
    return;
  }
  const { batch, lines } = prepared;
  const poolKey = toHex(poolKeys.publicKey);
  modules.print(
    `Payout ${batch.id}: ${formatPeg(batch.total)} PEG to ${counted(lines.length, "user")}, in ${file}`,
    {
      ...{ event: "prepared", id: batch.id, total: batch.total, users: lines.length, file, poolKey },
    },
  );
  printDigest(payoutDigest({ saltSeconds: batch.saltSeconds, lines }), modules);
  modules.print(`Sign it within 11 hours where the paying key is: prosper payout sign ${file}`);
  modules.print(`The first time with --pool-key ${poolKey}`);
  if (approvalsNeeded > 0)
    modules.print(
      "Before it is sent another administrator must agree: on the page /admin/payday, to the same digest",
    );
}

function preparedText({ batch, lines }: Prepared, poolKeys: KeyPair): string {
  const { id, saltSeconds } = batch;
  const list: readonly BatchLine[] = lines.map(({ user, address, amount, totalOwed, totalPaid }) => {
    return { user, address, amount, totalOwed, totalPaid };
  });
  const signature = signPayout({ saltSeconds, lines: list }, poolKeys);
  return formatFile({ prosper: "payout", version: 2, id, saltSeconds, lines: [...list], signature });
}
