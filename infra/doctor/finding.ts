/** What a check of the pool finds, and what it looks at. */

import type { Finding } from "../../functions/api/doctor.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import type { EnabledSource, SourceOrder } from "../../shared/prices/order.ts";
import type { Quote } from "../../shared/prices/quote.ts";
import type { Config } from "../config/schema.ts";

export type { Finding } from "../../functions/api/doctor.ts";

/** The pool that is looked at. */
export interface Patient {
  readonly config: Config;
  /** Holds `edge/`, and `postgres/` where the server is the embedded one. */
  readonly dataDir: string;
  /** A pool of `prosper up`: its network is its own, and its ports are those of its flags. */
  readonly isDevnet: boolean;
  /** Undefined where it could not be opened. */
  readonly db: Db | undefined;
  /** Why not. */
  readonly dbProblem?: string | undefined;
  readonly nodes: readonly { readonly url: string; readonly factomd: Factomd }[];
  /** A devnet's price feed is known to its pool alone. */
  readonly sources: () => SourceOrder | undefined;
  /** EC…, undefined where no key is set. */
  readonly creditAddress: string | undefined;
  /** What a source says now. Never rejects. */
  readonly ask: (source: EnabledSource, assets: readonly string[]) => Promise<Heard>;
  readonly clock: Clock;
}

/** Of one price source; quotes and failures may come together. */
export interface Heard {
  readonly quotes: readonly Quote[];
  readonly failures: readonly string[];
}

export interface Check {
  /** Names the check in every form of the answer. */
  readonly name: string;
  /** About money or the chain: an administrator is told of it in quiet hours too, and the heartbeat fails. */
  readonly urgent?: boolean;
  /** It reads so much that a timer has it made once in so long only; a person who looks sees it made anew. */
  readonly restMs?: number;
  look(patient: Patient): Promise<readonly Finding[]>;
}

export const ok = (said: string): Finding => ({ level: "ok", said });
export const skipped = (said: string): Finding => ({ level: "skipped", said });
export const warn = (said: string, mend: string): Finding => ({ level: "warn", said, mend });
export const red = (said: string, mend: string): Finding => ({ level: "red", said, mend });

/** A check that needs the database; without one it is left out, since the check `database` says so already. */
export function databaseCheck(
  name: string,
  look: (db: Db, patient: Patient) => Promise<readonly Finding[]>,
  traits: Pick<Check, "urgent" | "restMs"> = {},
): Check {
  return {
    name,
    ...traits,
    look: async (patient) =>
      patient.db === undefined ? [skipped("not looked at without a database")] : look(patient.db, patient),
  };
}

/** `1.5 GB`, `312 MB`. */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** `4 days`, `3 h`, `12 min`, `5 s`. */
export function spanText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
