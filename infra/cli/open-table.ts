/** The LXR table for a command: made with a progress bar the first time. */

import { systemClock } from "../../shared/clock.ts";
import { openTable, type TableProgress } from "../../shared/hash/open-table.ts";
import type { SharedTable } from "../../shared/hash/shared-table.ts";
import type { Logger } from "../../shared/logger.ts";
import { showProgress, showTable } from "./progress.ts";

/** Smaller ones are made too fast to be worth a line. */
const SHOWN_BITS = 20;

export interface ShownTableOptions {
  readonly bits: number;
  /** Folder of the tables; "" is `~/.lxrhash`. */
  readonly dir: string;
  /** The variable PROSPER_NATIVE. */
  readonly native: string | undefined;
}

export interface ShownTableModules {
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly shared?: boolean | undefined;
  readonly onProgress?: ((progress: TableProgress) => void) | undefined;
}

/** Rejects with the errors of `openTable`. */
export async function openShownTable(
  { bits, dir, native }: ShownTableOptions,
  { logger, signal, shared, onProgress }: ShownTableModules,
): Promise<SharedTable> {
  const bar = showProgress({ stream: process.stderr, clock: systemClock });
  const show = bits > SHOWN_BITS ? showTable(bar) : undefined;
  try {
    return await openTable({
      bits,
      dir: dir === "" ? undefined : dir,
      native: { setting: native },
      ...{ logger, signal, shared },
      onProgress: (progress) => {
        show?.(progress);
        onProgress?.(progress);
      },
    });
  } finally {
    bar.end();
  }
}
