/** One block: its books and its graded records. */

import { signal } from "@preact/signals";
import type { BlockDetailView, BlockView } from "../../../api/views/views.ts";
import { Card, Empty, Loading, PageHead, Tile, Tiles } from "../components/card.tsx";
import { Hash, Peg, Tag, When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, decimal, hashrateParts, peg } from "../format.ts";
import { ApiError, get } from "../live/api.ts";
import { attempt } from "../live/fresh.ts";

const height = location.pathname.split("/").at(-1) ?? "";
const detail = signal<BlockDetailView | null | undefined>(undefined);

type Winner = BlockDetailView["winners"][number];

function BlockPage() {
  const shown = detail.value;
  if (shown === undefined)
    return (
      <>
        <PageHead title={`Block ${height}`} />
        <Card title="Books">
          <Loading />
        </Card>
      </>
    );
  if (shown === null)
    return (
      <>
        <PageHead title={`Block ${height}`} />
        <Card title="Not graded">
          <Empty title="No graded block has this height">
            <a href="/pool/rewards">All blocks</a>
          </Empty>
        </Card>
      </>
    );
  const { block, chain, keyMr, receiptKey, formerReceiptKeys, winners } = shown;
  return (
    <>
      <Head block={block} />
      <BlockTiles block={block} />
      <Card title="Books">
        <Books block={block} keys={receiptKey === null ? [] : [receiptKey, ...formerReceiptKeys]} />
        {chain.map((said) => (
          <ChainSays key={said.entryHash} said={said} />
        ))}
      </Card>
      <Card title="Graded records" aside={<span class="reading">best grade first</span>}>
        <Records winners={winners} />
      </Card>
      <p class="small muted name">
        Key of the directory block: <code>{keyMr}</code>
      </p>
    </>
  );
}

function Head({ block }: { block: BlockView }) {
  const { height: number, at, version, entries } = block;
  return (
    <PageHead
      title={`Block ${count(number)}`}
      about={
        <>
          <When at={at} />, version {version}, {count(entries)} records
        </>
      }
    >
      <nav aria-label="Other blocks">
        <a href={`/pool/blocks/${number - 1}`}>Before</a>
        <a href={`/pool/blocks/${number + 1}`}>After</a>
        <a href={`/pool/submissions?jobid=${number}`}>Submissions of this block</a>
      </nav>
    </PageHead>
  );
}

function BlockTiles({ block }: { block: BlockView }) {
  return (
    <Tiles label="The block">
      <Tile
        name="Reward"
        figure={{ value: peg(block.reward), unit: "PEG" }}
        note={`${block.winning} of 25 places`}
        kind="lead"
      />
      <Tile
        name="Expected"
        figure={{ value: block.expectedPlaces === null ? "–" : decimal(block.expectedPlaces) }}
        note="places, by our part of the network's work"
      />
      <Tile name="Pool" figure={hashrateParts(block.poolHashrate)} note="over the whole block" />
      <Tile name="Network" figure={hashrateParts(block.networkHashrate)} note="estimated" />
      <Tile
        name="Shares"
        figure={{ value: block.shares === null ? "–" : count(block.shares) }}
        note="accepted"
      />
    </Tiles>
  );
}

/** `keys`: of receipts; the first one signs today. */
function Books({ block, keys }: { block: BlockView; keys: string[] }) {
  if (block.state === null)
    return (
      <Empty title="The pool had no job at this height">
        What it won here, if anything, is carried to the next job.
      </Empty>
    );
  if (block.state !== "sealed")
    return <Empty title="Not sealed yet">The books are final when all work for this block is in.</Empty>;
  return (
    <>
      <table class="books">
        <tbody>
          <Line name="Reward" amount={block.reward} />
          <Line name="Carried in" amount={block.carriedIn} />
          <Line name="Fee" amount={block.fee} />
          <Line name="Booked to miners" amount={block.paid} />
          <Line name="Carried on" amount={block.carried} />
        </tbody>
      </table>
      <p class="small muted record name">
        Root of the tree over every worker's work: <code>{block.root ?? "–"}</code>. Miners download a proof
        from their page and check it with <code>prosper verify</code>.
      </p>
      {keys.map((key, i) => (
        <p class="small muted record name" key={key}>
          {i === 0 ? "Receipts are signed by key" : "Older receipts by key"} <code>{key}</code>
        </p>
      ))}
    </>
  );
}

function ChainSays({ said }: { said: BlockDetailView["chain"][number] }) {
  const where = (
    <>
      entry <code>{said.entryHash}</code> in directory block {count(said.directoryBlock)}
    </>
  );
  if (!said.isRepeated)
    return (
      <p class="notice name" role="alert">
        The pool has contradicted itself on the chain: {where} says root <code>{said.root}</code>.
      </p>
    );
  return said.isSame ? (
    <p class="small muted record name">The Factom chain says the same: {where}.</p>
  ) : (
    <p class="notice name" role="alert">
      The Factom chain says something else than this page: {where}, root <code>{said.root}</code>. What stands
      on the chain cannot be changed.
    </p>
  );
}

function Line({ name, amount }: { name: string; amount: string | null }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="num">
        <Peg units={amount} digits={8} />
      </td>
    </tr>
  );
}

const COLUMNS: readonly Column<Winner>[] = [
  { title: "Place", cell: (winner) => String(winner.position) },
  {
    title: "Identity",
    cell: (winner) => (
      <span class="name">
        {winner.identity}
        {winner.ours && (
          <span class="ours-tag">
            <Tag kind="good">ours</Tag>
          </span>
        )}
      </span>
    ),
  },
  {
    title: "Payout",
    num: true,
    cell: (winner) =>
      winner.payout === "0" ? <span class="muted">–</span> : <Peg units={winner.payout} digits={0} />,
  },
  { title: "Difficulty", cell: (winner) => <code>{winner.difficulty}</code> },
  { title: "Entry", cell: (winner) => <Hash>{winner.entryHash}</Hash> },
];

function Records({ winners }: { winners: readonly Winner[] }) {
  if (winners.length === 0)
    return (
      <Empty title="This block was not graded">
        It had too few valid records, so the winners before it stay.
      </Empty>
    );
  return (
    <Table label="graded records" columns={COLUMNS} rows={winners} keyOf={(winner) => winner.entryHash} />
  );
}

mount(BlockPage);
void attempt(async () => {
  try {
    detail.value = (await get<BlockDetailView>(`/api/blocks/${encodeURIComponent(height)}`)).body;
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    detail.value = null;
  }
});
