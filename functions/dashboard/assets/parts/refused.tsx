/** Why shares were refused in the last 24 hours, and what to do about it. */

import type { RefusedView } from "../../../api/views/worker.ts";
import { Card, Empty } from "../components/card.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count } from "../format.ts";

type Reason = RefusedView["reasons"][number];

/** What it is called, and what helps. */
const WORDS: Readonly<Record<Reason["reason"], readonly [string, string]>> = {
  stale: ["too late", "found after its block was over: some are usual, many mean a slow line"],
  duplicate: [
    "sent twice",
    "the same nonce again: two miners with one login, or a miner that repeats itself",
  ],
  "low-difficulty": [
    "too easy",
    "below the target that was asked for: the miner does not follow the pool's target",
  ],
  malformed: ["not readable", "a field that is no share: a miner of another kind, or one that is broken"],
  "wrong-prefix": [
    "wrong prefix",
    "the nonce does not begin as it was told: the miner does not take up set_nonce",
  ],
  "other-edge": ["moved", "the miner came to another of the pool's machines in between: harmless"],
  "wrong-hash": [
    "wrong hash",
    "it does not reach what it claims: a wrong table, or memory that makes mistakes",
  ],
  busy: ["pool busy", "the pool had no room for it: not the miner's fault"],
};

const COLUMNS: readonly Column<Reason>[] = [
  { title: "Reason", cell: ({ reason }) => WORDS[reason][0] },
  { title: "Shares", num: true, cell: ({ shares }) => count(shares) },
  { title: "What it means", cell: ({ reason }) => WORDS[reason][1] },
];

export function RefusedCard({ view }: { view: RefusedView }) {
  return (
    <Card title={`Refused shares, ${view.hours} h`}>
      {view.reasons.length === 0 ? (
        <Empty title="None">Every share was taken.</Empty>
      ) : (
        <Table label="refused shares" columns={COLUMNS} rows={view.reasons} keyOf={({ reason }) => reason} />
      )}
    </Card>
  );
}
