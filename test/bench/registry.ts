/** Every bench, in the order in which they run. A new one: a file in rows/, and its name here. */

import type { Bench } from "./bench.ts";
import { ANSWER_BENCHES } from "./rows/answer.ts";
import { APPLY } from "./rows/apply.ts";
import { CONNECTION_BENCHES } from "./rows/connections.ts";
import { EDGES_BENCH } from "./rows/edges.ts";
import { JOURNAL } from "./rows/journal.ts";
import { KERNEL_BENCHES } from "./rows/kernel.ts";
import { MINER_BENCHES } from "./rows/miner.ts";
import { PAGES } from "./rows/pages.ts";
import { SEAL } from "./rows/seal.ts";
import { SHARES_BENCHES } from "./rows/shares.ts";
import { START } from "./rows/start.ts";
import { STEADY } from "./rows/steady.ts";

export const BENCHES: readonly Bench[] = [
  ...KERNEL_BENCHES,
  ...MINER_BENCHES,
  ...SHARES_BENCHES,
  EDGES_BENCH,
  ...ANSWER_BENCHES,
  STEADY,
  ...CONNECTION_BENCHES,
  JOURNAL,
  APPLY,
  SEAL,
  PAGES,
  START,
];

/** Those that are named, by a bench's name or one of its rows'; all where none is. Throws Error, which lists the names, on one that there is not. */
export function chooseBenches(names: readonly string[], all: readonly Bench[] = BENCHES): readonly Bench[] {
  const isNamed = (bench: Bench, name: string): boolean =>
    bench.name === name || Object.hasOwn(bench.rows, name);
  const unknown = names.find((name) => !all.some((bench) => isNamed(bench, name)));
  if (unknown !== undefined)
    throw new Error(
      `--only: there is no bench ${unknown}: choose from ${all.map(({ name }) => name).join(", ")}`,
    );
  return names.length === 0 ? all : all.filter((bench) => names.some((name) => isNamed(bench, name)));
}
