/**
 * Signs the roots of sealed blocks where edges have no receipt key: entries are composed here, and sent by the edge that holds the chain lease
 * (docs/proofs.md, "Roots on the chain").
 */

import { composeRootEntries } from "../../shared/audit/root-composer.ts";
import { toHex } from "../../shared/bytes.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import {
  announceRootChain,
  isRootChainRead,
  type RootStand,
  rootStand,
} from "../../shared/db/root-entries.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { rootChainOf } from "../../shared/proofs/root-entry.ts";
import type { ReceiptKeySource } from "../api/figures/receipt-keys.ts";

export interface RootSignerOptions {
  /** Blocks of an entry; more where it is behind. */
  readonly batch: number;
  /** No further block is read after it. */
  readonly runMs: number;
  /** Between two looks at whether the chain follows the seals, and the pool still says what it wrote. */
  readonly compareMs: number;
}

export interface RootSignerModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keys: ReceiptKeySource;
  /** What a look has found; not called before anything was read of a chain. */
  readonly onStand?: (stand: RootStand) => void;
}

/** Each call composes what is due, as far as the time reaches; resolves to the number of entries. Rejects with CodedError `receipt-key` without a key. */
export function createRootSigner(
  options: RootSignerOptions,
  modules: RootSignerModules,
): () => Promise<number> {
  const { db, clock, logger, keys, onStand } = modules;
  let comparedMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const beginMs = clock.monotonicMs();
    if (beginMs - comparedMs >= options.compareMs) {
      const stand = await rootStand(db);
      if (stand !== undefined) onStand?.(stand);
      if (stand !== undefined && stand.wrong.length > 0)
        logger.error(
          "The chain says something else than the pool of sealed blocks: pay nobody, run the audit",
          {
            blocks: stand.wrong,
          },
        );
      comparedMs = beginMs;
    }
    const signer = (await keys())?.signing;
    if (signer === undefined)
      throw new CodedError("receipt-key", "roots cannot be signed: the secret of the receipt key is empty");
    const { chainId, key } = rootChainOf(signer.publicKey);
    await announceRootChain(db, chainId, toHex(key));
    // An edge reads it within seconds of a block: what already stands there is not composed again.
    if (!(await isRootChainRead(db, chainId))) return 0;
    const isLate = (): boolean => clock.monotonicMs() - beginMs >= options.runMs;
    return composeRootEntries(db, { signer, batch: options.batch, isLate });
  };
}
