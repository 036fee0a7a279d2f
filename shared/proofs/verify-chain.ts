/** The checks of a proof or receipt against what the pool wrote to its Factom chain. Pure. */

import type { ProofFile, ReceiptFile } from "./proof-file.ts";
import type { PlacedRoot, RootFinding } from "./root-chain.ts";
import type { Check } from "./verify.ts";

/** What the chain says decides; a later entry that says something else is the pool's fault, whatever the file says. */
export function checkOnChain(file: ProofFile | ReceiptFile, found: RootFinding): Check[] {
  const { first, contradictions, from, through } = found;
  if (first === undefined) {
    const where =
      from > through
        ? `yet: the node has directory blocks up to ${through}`
        : `in directory blocks ${from} to ${through}`;
    return [{ ok: false, text: `the pool's chain has no root of block ${file.height} ${where}` }];
  }
  const where = `entry ${first.entryHash} in directory block ${first.placedIn}`;
  return [
    first.root === file.root
      ? { ok: true, text: `the chain has the same root: ${where}` }
      : { ok: false, text: `the chain has another root, ${first.root}: ${where}` },
    ...(file.format === "prosper-proof" ? booksChecks(file, first) : []),
    ...contradictions.map(
      ({ root, entryHash, placedIn }): Check => ({
        ok: false,
        text: `the pool has contradicted itself on the chain: entry ${entryHash} in directory block ${placedIn} says root ${root}, or other books`,
      }),
    ),
  ];
}

function booksChecks({ books }: ProofFile, first: PlacedRoot): Check[] {
  const wrong = (["reward", "carriedIn", "fee", "paid", "carried"] as const).filter(
    (name) => books[name] !== first[name].toString(),
  );
  if (wrong.length === 0) return [{ ok: true, text: "the chain has the same books" }];
  return wrong.map((name) => ({
    ok: false,
    text: `${name}: the file says ${books[name]}, the chain ${first[name]}`,
  }));
}

/** Whether the pool still publishes what it wrote. */
export function publishedCheck(published: string, first: PlacedRoot): Check {
  if (published === first.root) return { ok: true, text: "the pool publishes the root of the chain" };
  return {
    ok: false,
    text: `the pool publishes root ${published}, and has written ${first.root} to the chain`,
  };
}
