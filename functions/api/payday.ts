/** What the API knows of the part that pays: it needs nodes and a key for entry credits, which only the pool's own process has (infra/pool/payday.ts). */

export const DOING = ["nothing", "preparing", "sending", "confirming"] as const;

export interface PaydayWork {
  readonly doing: (typeof DOING)[number];
  /** Lines of the newest piece of work, the last ones of many. */
  readonly said: readonly string[];
  /** Why the newest piece of work failed; undefined where it did not. */
  readonly failed: string | undefined;
}

/** One entry of a signed payout. They come one by one, because a whole file may be larger than a request. */
export interface SignedPiece {
  /** Of the payout. */
  readonly id: string;
  /** FA…, as in the signed file. */
  readonly source: string;
  /** From 0, in the file's order. */
  readonly no: number;
  readonly entry: { readonly entryHash: string; readonly raw: string; readonly count: number };
}

/** `more`: the next entry is waited for. `sending`: all are in, and are sent from now on. */
export type Took = { readonly kind: "more" | "sending" } | { readonly kind: "refused"; readonly why: string };

/** One piece of work at a time; the page asks again and again how far it is. */
export interface Payday {
  work(): PaydayWork;
  /** Begins to prepare a payout; false where something else is being done. */
  prepare(by: string): boolean;
  /** Takes an entry that was signed elsewhere; the last one begins the sending. `by` has it sent. */
  take(piece: SignedPiece, by: string): Promise<Took>;
  /** Begins to look on the chain for what was sent; false where something else is being done. */
  confirm(): boolean;
  /** Of the key that pays for entries; undefined where it cannot be told now. */
  credits(): Promise<{ readonly address: string; readonly balance: number } | undefined>;
}
