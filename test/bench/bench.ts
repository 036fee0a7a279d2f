/** What a bench is: rows of one family, measured together, ours and a peer's in turns. */

import type { Room } from "./room.ts";

/** One figure. */
export interface Row {
  readonly unit: string;
  readonly what: string;
  /** Which is better; undefined: neither, and there is no ratio. */
  readonly better?: "more" | "less";
  /** One of a family that is measured at 1 ×, 10 × and 100 × the size, of so many workers, clients or blocks. */
  readonly growth?: { readonly of: string; readonly size: number };
}

/** Figures of one turn, by row. */
export type Values = Readonly<Record<string, number>>;

/** Programs that somebody built, by docs/performance.md, "Peers"; undefined where there is none. */
export interface Peers {
  readonly pool: string | undefined;
  readonly miner: string | undefined;
  readonly lxrhash: string | undefined;
  /** Not a program but a folder: this project as it was. */
  readonly checkout: string | undefined;
}

export interface Setting {
  /** Of the large table. */
  readonly bits: number;
  /** Small sizes: shows that every row can run, and not how fast. */
  readonly quick: boolean;
  readonly peers: Peers;
  /** A line for the person who waits. */
  say(line: string): void;
}

/** A bench that is ready to be run. */
export interface Opened {
  ours(): Promise<Values>;
  /** Undefined where no peer is built. */
  readonly peer: (() => Promise<Values>) | undefined;
}

export interface Bench {
  /** What `--only` takes. */
  readonly name: string;
  /** How it is measured, in a line. */
  readonly what: string;
  /** Turns of each, unless `--rounds` says otherwise. */
  readonly rounds: number;
  /** False: `--quick` leaves it to the others that run the same code. */
  readonly isQuick?: boolean;
  /** Of the large table's file, which is made before anything is measured. */
  readonly needsTable?: boolean;
  readonly rows: Readonly<Record<string, Row>>;
  /** What it starts and makes is the room's, which is tidied also while it opens or runs. Rejects with CannotRun where this machine lacks what it needs. */
  open(setting: Setting, room: Room): Promise<Opened>;
}

/** This machine cannot measure it: said, and not a failure. */
export class CannotRun extends Error {}
