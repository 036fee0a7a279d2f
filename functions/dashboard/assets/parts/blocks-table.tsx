/** The list of graded blocks with our places and what they brought. */

import type { BlockView } from "../../../api/views/views.ts";
import { Empty } from "../components/card.tsx";
import { Ago, Peg, Tag } from "../components/figures.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, hashrate } from "../format.ts";

const COLUMNS: readonly (Column<BlockView> & { books?: boolean })[] = [
  { title: "Block", cell: (block) => <a href={`/pool/blocks/${block.height}`}>{count(block.height)}</a> },
  { title: "When", cell: (block) => <Ago at={block.at} endedAt={block.endedAt} /> },
  {
    title: "Our places",
    cell: (block) =>
      block.graded ? <Places places={block.places} /> : <span class="muted">not graded</span>,
  },
  { title: "of 25", num: true, cell: (block) => String(block.winning) },
  { title: "Reward", num: true, cell: (block) => <Peg units={block.reward} unit={false} /> },
  { title: "Fee", num: true, books: true, cell: (block) => <Peg units={block.fee} unit={false} /> },
  {
    title: "Booked to miners",
    num: true,
    books: true,
    cell: (block) => <Peg units={block.paid} unit={false} />,
  },
  {
    title: "Carried on",
    num: true,
    books: true,
    cell: (block) => <Peg units={block.carried} unit={false} />,
  },
  { title: "Shares", num: true, cell: (block) => (block.shares === null ? "–" : count(block.shares)) },
  { title: "Pool rate", num: true, wideOnly: true, cell: (block) => hashrate(block.poolHashrate) },
  { title: "Books", cell: (block) => <State block={block} /> },
];
const WITHOUT_BOOKS = COLUMNS.filter(({ books }) => books !== true);

interface BlocksTableProps {
  /** Newest first. */
  blocks: readonly BlockView[];
  /** Fee, paid and carry too. */
  books: boolean;
}

export function BlocksTable({ blocks, books }: BlocksTableProps) {
  if (blocks.length === 0)
    return (
      <Empty title="No block has been graded yet">
        The first one appears here when the network has finished it.
      </Empty>
    );
  return (
    <Table
      label="graded blocks"
      columns={books ? COLUMNS : WITHOUT_BOOKS}
      rows={blocks}
      keyOf={(block) => block.height}
    />
  );
}

/** The 25 paid places in a row, ours filled. */
function Places({ places }: { places: readonly number[] }) {
  const ours = new Set(places);
  const label = places.length === 0 ? "no place" : `places ${places.join(", ")}`;
  return (
    <span class="places" role="img" aria-label={label} title={label}>
      {Array.from({ length: 25 }, (_, i) => (
        <i key={i} class={ours.has(i + 1) ? "ours" : ""} />
      ))}
    </span>
  );
}

function State({ block }: { block: BlockView }) {
  if (block.state === null) return <Tag title="the pool had no job at this height">no job</Tag>;
  if (block.state !== "sealed")
    return (
      <Tag kind="warn" title="waiting for the last work">
        open
      </Tag>
    );
  if (block.forced === true)
    return (
      <Tag kind="warn" title="sealed by the deadline: some work came too late and counts in a later block">
        sealed
      </Tag>
    );
  return (
    <Tag kind="good" title="final: booked, and never changed">
      sealed
    </Tag>
  );
}
