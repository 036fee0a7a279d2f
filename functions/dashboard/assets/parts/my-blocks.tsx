/** A user's part in each block. */

import type { MyBlocksView } from "../../../api/views/views.ts";
import { Empty } from "../components/card.tsx";
import { Peg, Tag, When } from "../components/figures.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, hashrate, percent } from "../format.ts";
import { attempt } from "../live/fresh.ts";
import { save, wholeProof } from "../live/whole-file.ts";

type MyBlock = MyBlocksView["blocks"][number];

const COLUMNS: readonly Column<MyBlock>[] = [
  { title: "Block", cell: (block) => count(block.height) },
  { title: "Began", cell: (block) => <When at={block.at} /> },
  { title: "Shares", num: true, cell: (block) => count(block.shares) },
  { title: "Refused", num: true, cell: (block) => count(block.rejected) },
  { title: "Hash rate", num: true, cell: (block) => hashrate(block.hashrate) },
  { title: "Your part", num: true, cell: (block) => percent(block.part, 2) },
  {
    title: "Your reward",
    num: true,
    cell: (block) =>
      block.amount === null ? (
        <Tag kind="warn" title="booked when the block is sealed">
          open
        </Tag>
      ) : (
        <Peg units={block.amount} digits={4} />
      ),
  },
  { title: "Proof", cell: (block) => block.state === "sealed" && <ProofLink height={block.height} /> },
];

/** `blocks` newest first. */
export function MyBlocksTable({ blocks }: { blocks: MyBlocksView["blocks"] }) {
  if (blocks.length === 0) return <Empty title="No block yet">Your shares of each block appear here.</Empty>;
  return <Table label="your blocks" columns={COLUMNS} rows={blocks} keyOf={(block) => block.height} />;
}

/** A farm's proof comes in parts. Followed as a link, in a tab of its own say, it is the first. */
function ProofLink({ height }: { height: number }) {
  const path = `/api/me/blocks/${height}/proof`;
  const name = `prosper-proof-${height}.json`;
  const onClick = (event: MouseEvent): void => {
    event.preventDefault();
    void attempt(async () =>
      save(JSON.stringify(await wholeProof(path)), { name, type: "application/json" }),
    );
  };
  return (
    <a
      href={path}
      download={name}
      onClick={onClick}
      title="that your work is in this block's root: check it with prosper verify"
      aria-label={`Download the proof of block ${height}`}
    >
      Download
    </a>
  );
}
