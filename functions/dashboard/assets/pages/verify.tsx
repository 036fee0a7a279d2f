/** "Check all my blocks": what `prosper verify` checks, of each block, in this browser. */

import { effect, signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { CodedError } from "../../../../shared/errors.ts";
import type { Check } from "../../../../shared/proofs/verify.ts";
import { Card, PageHead, Tile, Tiles } from "../components/card.tsx";
import { Tag } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, sentence } from "../format.ts";
import { attempt } from "../live/fresh.ts";
import { goToLogin, user } from "../live/session.ts";
import type { AskedNode } from "../verify/ask-node.ts";
import { type CheckedBlock, checkAll, type Verdict } from "../verify/check-all.ts";
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
  /** The node that is asked, too. */
  readonly node: string | undefined;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly wrong: readonly CheckedBlock[];
  readonly newest: readonly CheckedBlock[];
}

const NONE: Progress["counts"] = { right: 0, wrong: 0, absent: 0, unasked: 0 };
const progress = signal<Progress | undefined>(undefined);
/** Of a node of anybody's; empty: none is asked. */
const address = signal("");
/** Why that node was not asked. */
const refusal = signal("");
let stop = new AbortController();

async function run(name: string): Promise<void> {
  stop = new AbortController();
  refusal.value = "";
  progress.value = undefined;
  try {
    await check(name, address.value === "" ? undefined : await reach(address.value));
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown;
    refusal.value = thrown.message;
  }
}

async function reach(url: string): Promise<AskedNode> {
  const { AskedNode: Node } = await import("../verify/ask-node.ts");
  const node = new Node(url, location.href);
  await node.reach();
  return node;
}

async function check(user: string, node: AskedNode | undefined): Promise<void> {
  const remembered = new Remembered(storageOf());
  let now: Progress = { isRunning: true, node: node?.url, counts: NONE, wrong: [], newest: [] };
  progress.value = now;
  let drawnMs = 0;
  try {
    for await (const block of checkAll({ user, remembered, node }, stop.signal)) {
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
  const { verdict } = block;
  return {
    ...now,
    counts: { ...now.counts, [verdict]: now.counts[verdict] + 1 },
    newest: [...now.newest, block].slice(0, MOST_SHOWN),
    wrong: verdict === "wrong" ? [...now.wrong, block].slice(0, MOST_SHOWN) : now.wrong,
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
        about="For each block: that your shares are under its root, that its sums and books add up, that receipts are signed, that the root is the one you saw before and the one that the pool says is on the Factom chain. This browser reckons it; the pool only sends the proofs."
      />
      <Card title="All blocks">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (shown?.isRunning === true) stop.abort();
            else if (who) void attempt(() => run(who.name));
          }}
        >
          <NodeField />
          <div class="actions">
            <button type="submit" class="primary" disabled={!who}>
              {shown?.isRunning === true ? "Stop" : "Check all my blocks"}
            </button>
          </div>
        </form>
        <p class="small muted record">
          Who trusts neither the pool nor its pages takes{" "}
          <a href={OFFLINE} download="prosper-verify.html">
            this page as a file
          </a>{" "}
          that works without a network, or the command <code>prosper verify</code>.
        </p>
      </Card>
      {refusal.value !== "" && <Refusal why={refusal.value} />}
      {shown !== undefined && <Results shown={shown} />}
    </>
  );
}

function NodeField() {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Address of a Factom node (if you like)</label>
      <input
        id={id}
        value={address.value}
        placeholder="http://localhost:8088/v2"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        maxLength={500}
        aria-describedby={`${id}-hint`}
        onInput={(event) => {
          address.value = event.currentTarget.value.trim();
        }}
      />
      <span id={`${id}-hint`} class="small muted">
        Of anybody's. This browser then reads from it what the pool wrote to its Factom chain, so that you
        need not believe the pool about it.
      </span>
    </div>
  );
}

/** A browser may ask less than a program: that one is left. */
function Refusal({ why }: { why: string }) {
  return (
    <div class="notice small" role="alert">
      <p>{sentence(why)}</p>
      <p>
        With a block's proof from "Download" on your page, a clone of the project asks it:{" "}
        <code>
          npx prosper verify FILE --pool {location.origin} --factomd {address.value}
        </code>
      </p>
    </div>
  );
}

function Results({ shown }: { shown: Progress }) {
  const { isRunning, node, counts, wrong, newest } = shown;
  const others = newest.filter(({ verdict }) => verdict !== "wrong");
  const rows = [...wrong, ...others].slice(0, MOST_SHOWN);
  const state = isRunning ? "checking …" : "done";
  return (
    <>
      <Tiles label="What was found">
        <Tile
          name="Right"
          figure={{ value: count(counts.right) }}
          kind="lead"
          note={node === undefined ? state : `${state}; each as on the chain, by the node`}
        />
        <Tile
          name="Wrong"
          figure={{ value: count(counts.wrong) }}
          note={counts.wrong > 0 ? "see below" : ""}
        />
        {node !== undefined && (
          <Tile
            name="Not on the chain"
            figure={{ value: count(counts.absent) }}
            note="right otherwise; a root is written some blocks later"
          />
        )}
        <Tile name="Not asked for" figure={{ value: count(counts.unasked) }} note="an answer did not come" />
      </Tiles>
      {counts.wrong > 0 && (
        <p class="notice" role="alert">
          {count(counts.wrong)} of your blocks are wrong. Keep the proof, and show it to others: the download
          on your page is signed by the pool.
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

const VERDICTS: Readonly<
  Record<Verdict, { readonly kind: "good" | "warn" | "bad"; readonly words: string }>
> = {
  right: { kind: "good", words: "right" },
  wrong: { kind: "bad", words: "wrong" },
  absent: { kind: "warn", words: "not on the chain" },
  unasked: { kind: "warn", words: "not checked" },
};

const COLUMNS: readonly Column<CheckedBlock>[] = [
  {
    title: "Block",
    cell: ({ height }) => <a href={`/pool/blocks/${height}`}>{count(height)}</a>,
  },
  {
    title: "Verdict",
    cell: ({ verdict }) => <Tag kind={VERDICTS[verdict].kind}>{VERDICTS[verdict].words}</Tag>,
  },
  { title: "Checks", cell: (block) => <Checks block={block} /> },
];

function Checks({ block: { verdict, checks, why } }: { block: CheckedBlock }) {
  if (verdict === "right") return <span class="muted">all {checks.length} are good</span>;
  if (verdict !== "wrong") return <span class="name">{why}</span>;
  return (
    <>
      {checks
        .filter(({ ok }) => !ok)
        .map((check: Check) => (
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
