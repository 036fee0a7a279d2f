/** "Check all my blocks": what `prosper verify` checks, of each block, in this browser. */

import { effect, signal } from "@preact/signals";
import type { Check } from "../../../../shared/proofs/verify.ts";
import { Card, PageHead, Tile, Tiles } from "../components/card.tsx";
import { Tag } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count } from "../format.ts";
import { attempt } from "../live/fresh.ts";
import { goToLogin, user } from "../live/session.ts";
import { type CheckedBlock, checkAll } from "../verify/check-all.ts";
import { Remembered } from "../verify/remembered.ts";

/** Blocks shown one by one. Wrong ones come first, and are counted beyond it. */
const MOST_SHOWN = 100;
/** Beside the icon. */
const OFFLINE = new URL(
  "prosper-verify.html",
  document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? location.href,
).href;
/** Milliseconds between two draws: a block takes one of them. */
const DRAW_MS = 100;

interface Progress {
  readonly isRunning: boolean;
  readonly right: number;
  readonly wrong: readonly CheckedBlock[];
  readonly wrongCount: number;
  readonly unasked: number;
  readonly newest: readonly CheckedBlock[];
}

const NOTHING: Progress = { isRunning: false, right: 0, wrong: [], wrongCount: 0, unasked: 0, newest: [] };
const progress = signal<Progress | undefined>(undefined);
let stop = new AbortController();

const isRight = ({ checks }: CheckedBlock): boolean => checks?.every(({ ok }) => ok) === true;

async function run(name: string): Promise<void> {
  stop = new AbortController();
  const remembered = new Remembered(storageOf());
  let now: Progress = { ...NOTHING, isRunning: true };
  progress.value = now;
  let drawnMs = 0;
  try {
    for await (const block of checkAll(name, remembered, stop.signal)) {
      now = add(now, block);
      if (performance.now() - drawnMs < DRAW_MS) continue;
      progress.value = now;
      // Checking takes the page's only thread: let it draw, and be pressed.
      await new Promise((resolve) => setTimeout(resolve));
      drawnMs = performance.now();
    }
  } finally {
    remembered.save();
    progress.value = { ...now, isRunning: false };
  }
}

function add(now: Progress, block: CheckedBlock): Progress {
  const next = { ...now, newest: [...now.newest, block].slice(0, MOST_SHOWN) };
  if (block.checks === undefined) return { ...next, unasked: now.unasked + 1 };
  if (isRight(block)) return { ...next, right: now.right + 1 };
  return {
    ...next,
    wrong: [...now.wrong, block].slice(0, MOST_SHOWN),
    wrongCount: now.wrongCount + 1,
  };
}

function storageOf(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

function VerifyPage() {
  const who = user.value;
  const shown = progress.value;
  return (
    <>
      <PageHead
        title="Check my blocks"
        about="For each block: that your shares are under its root, that its sums and books add up, that receipts are signed, that the root is the one you saw before and the one on the Factom chain. This browser reckons it; the pool only sends the proofs."
      />
      <Card title="All blocks">
        <p>
          <button
            type="button"
            disabled={!who}
            onClick={() =>
              shown?.isRunning === true ? stop.abort() : who && void attempt(() => run(who.name))
            }
          >
            {shown?.isRunning === true ? "Stop" : "Check all my blocks"}
          </button>
        </p>
        <p class="small muted record">
          Who trusts neither the pool nor its pages takes{" "}
          <a href={OFFLINE} download="prosper-verify.html">
            this page as a file
          </a>{" "}
          that works without a network, or <code>prosper verify --factomd URL</code>, which asks a Factom node
          of anybody's what the pool wrote there.
        </p>
      </Card>
      {shown !== undefined && <Results shown={shown} />}
    </>
  );
}

function Results({ shown }: { shown: Progress }) {
  const { isRunning, right, wrong, wrongCount, unasked, newest } = shown;
  const others = newest.filter((block) => isRight(block) || block.checks === undefined);
  const rows = [...wrong, ...others].slice(0, MOST_SHOWN);
  return (
    <>
      <Tiles label="What was found">
        <Tile
          name="Right"
          figure={{ value: count(right) }}
          kind="lead"
          note={isRunning ? "checking …" : "done"}
        />
        <Tile name="Wrong" figure={{ value: count(wrongCount) }} note={wrongCount > 0 ? "see below" : ""} />
        <Tile name="Not asked for" figure={{ value: count(unasked) }} note="the pool gave no answer" />
      </Tiles>
      {wrongCount > 0 && (
        <p class="notice" role="alert">
          {count(wrongCount)} of your blocks are wrong. Keep the proof, and show it to others: the download on
          your page is signed by the pool.
        </p>
      )}
      <Card
        title="Block by block"
        aside={<span class="reading">wrong ones first, {MOST_SHOWN} at most</span>}
      >
        <Table label="checked blocks" columns={COLUMNS} rows={rows} keyOf={(block) => block.height} />
      </Card>
    </>
  );
}

const COLUMNS: readonly Column<CheckedBlock>[] = [
  {
    title: "Block",
    cell: ({ height }) => <a href={`/pool/blocks/${height}`}>{count(height)}</a>,
  },
  {
    title: "Verdict",
    cell: (block) => {
      if (block.checks === undefined) return <Tag kind="warn">not checked</Tag>;
      return isRight(block) ? <Tag kind="good">right</Tag> : <Tag kind="bad">wrong</Tag>;
    },
  },
  { title: "Checks", cell: (block) => <Checks block={block} /> },
];

function Checks({ block: { checks, why } }: { block: CheckedBlock }) {
  if (checks === undefined) return <span class="name">{why}</span>;
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length === 0) return <span class="muted">all {checks.length} are good</span>;
  return (
    <>
      {failed.map((check: Check) => (
        <p key={check.text} class="bad">
          <span class="name">{check.text}</span>
        </p>
      ))}
    </>
  );
}

effect(() => {
  if (user.value === null) goToLogin();
});
mount(VerifyPage);
