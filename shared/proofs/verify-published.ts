/** The checks of a proof against what the pool publishes about its block. Pure. */

import type { ProofFile, ReceiptFile } from "./proof-file.ts";
import type { Check } from "./verify.ts";

/** Decimal strings by name; null where nothing is published. */
export type PublishedSums = Readonly<
  Partial<Record<"shares" | "reward" | "carriedIn" | "fee" | "paid" | "carried", string | null>>
>;

/** Compares the file's shares and books with the pool's. A receipt has neither. */
export function checkPublished(file: ProofFile | ReceiptFile, published: PublishedSums): Check[] {
  if (file.format === "prosper-receipt") return [];
  const { reward, carriedIn, fee, paid, carried } = file.books;
  const claims = { shares: file.shares, reward, carriedIn, fee, paid, carried };
  const names = ["shares", "reward", "carriedIn", "fee", "paid", "carried"] as const;
  return names.map((name): Check => {
    const told = published[name];
    if (told === claims[name]) return { ok: true, text: `the pool publishes the same ${name}` };
    return {
      ok: false,
      text: `${name}: the file says ${claims[name]}, the pool publishes ${told ?? "nothing"}`,
    };
  });
}
