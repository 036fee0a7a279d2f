/** What became of a share, an entry, a block or a payment, to read oneself or to send to the pool's support. */

import { signal } from "@preact/signals";
import type { StoriesView, StoryStep, StoryView } from "../../../api/views/story.ts";
import { Card, Empty, Loading, PageHead } from "../components/card.tsx";
import { CommandLine } from "../components/command-line.tsx";
import { Hash, Name, Tag, type TagKind, When } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, duration, sentence } from "../format.ts";
import { ApiError, get } from "../live/api.ts";
import { attempt } from "../live/fresh.ts";
import { StoryForm } from "../parts/story-form.tsx";

/** As it was typed or copied: heights have # and commas on pages. */
const id = decodeURIComponent(location.pathname.split("/").at(-1) ?? "").replaceAll(/[#,\s]/g, "");
const stories = signal<StoriesView | undefined>(undefined);
/** What was wrong with what was typed in. */
const refusal = signal<string | undefined>(undefined);

const TITLES: Readonly<Record<StoryView["kind"], string>> = {
  share: "A share",
  refused: "A refused share",
  entry: "An entry",
  payment: "A payment",
  block: "A block",
};
const STEPS: Readonly<Record<StoryStep["step"], string>> = {
  received: "Received",
  judged: "Judged",
  journaled: "Journaled",
  credited: "Credited",
  sealed: "In the tree",
  submitted: "Submitted",
  placed: "Placed",
  paid: "Paid",
};
const STATES: Readonly<Record<StoryStep["state"], readonly [TagKind, string]>> = {
  done: ["good", "done"],
  waits: ["warn", "waits"],
  not: ["", "no"],
  unknown: ["", "not known"],
};

function linkText(link: string): string {
  if (link.endsWith("/proof")) return "Proof";
  return link === "/pool/payments" ? "All payments" : "The block";
}

const COLUMNS: readonly Column<StoryStep>[] = [
  { title: "Step", cell: (one) => STEPS[one.step] },
  { title: "State", cell: (one) => <Tag kind={STATES[one.state][0]}>{STATES[one.state][1]}</Tag> },
  { title: "When", cell: (one) => one.at !== null && <When at={one.at} /> },
  {
    title: "What",
    cell: (one) => (
      <>
        <Name>{one.words}</Name> {one.hash !== null && <Hash>{one.hash}</Hash>}{" "}
        {one.link !== null && <a href={one.link}>{linkText(one.link)}</a>}
      </>
    ),
  },
];

function StoryPage() {
  const shown = stories.value;
  return (
    <>
      <PageHead title="What became of it" about={<Name>{id}</Name>}>
        <StoryForm value={id} />
      </PageHead>
      {refusal.value !== undefined ? (
        <Card title="Not looked for">
          <Empty title={sentence(refusal.value)} />
        </Card>
      ) : shown === undefined ? (
        <Card title="Story">
          <Loading />
        </Card>
      ) : (
        <Stories view={shown} />
      )}
    </>
  );
}

function Stories({ view }: { view: StoriesView }) {
  return (
    <>
      {view.stories.length === 0 && (
        <Card title="Nothing found">
          <Empty title="Nothing of yours has this number">{found(view)}</Empty>
        </Card>
      )}
      {view.stories.map((story, i) => (
        <Card key={`${story.kind} ${i}`} title={TITLES[story.kind]}>
          {story.of !== null && (
            <p class="small muted name">
              of {story.of.user}
              {story.of.worker !== "" && `, worker ${story.of.worker}`}
              {story.height !== null && <>, for block {count(story.height)}</>}
            </p>
          )}
          <Table label={TITLES[story.kind]} columns={COLUMNS} rows={story.steps} keyOf={(one) => one.step} />
        </Card>
      ))}
      {view.stories.length > 0 && (
        <Card title="Ask about it">
          <p class="small">The pool's operator sees the same by this link; nobody else sees what is yours.</p>
          <CommandLine command={location.href} />
        </Card>
      )}
    </>
  );
}

function found({ keptSeconds, refusedKnown }: StoriesView): string {
  const shares =
    keptSeconds === null
      ? "This pool keeps no single shares: their sums are in each block for ever."
      : `A share can be looked up for ${duration(keptSeconds)}; its sums are in its block for ever.`;
  const refused = refusedKnown
    ? " Of refused shares the newest few thousand are known."
    : " Refused shares are not known here.";
  return `${shares}${refused} Entries, blocks and payments are kept for ever.`;
}

mount(StoryPage);
void attempt(async () => {
  try {
    stories.value = (await get<StoriesView>(`/api/me/story/${encodeURIComponent(id)}`)).body;
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 400)) throw error;
    refusal.value = error.message;
  }
});
