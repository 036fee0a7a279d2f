/** What the pool submitted to the chain, and what it held back. */

import type { SubmissionListView } from "../../../api/views/views.ts";
import { Empty } from "../components/card.tsx";
import { Ago, Hash, Tag, type TagKind } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count } from "../format.ts";
import { PagedList } from "../parts/paged.tsx";

type Submission = SubmissionListView["submissions"][number];

const job = new URLSearchParams(location.search).get("jobid");
const STATES: Readonly<Record<Submission["state"], { kind: TagKind; words: string }>> = {
  revealed: { kind: "good", words: "on the chain" },
  committed: { kind: "", words: "committed" },
  pending: { kind: "warn", words: "being sent" },
  blocked: { kind: "", words: "held back" },
  abandoned: { kind: "bad", words: "given up" },
};

const COLUMNS: readonly Column<Submission>[] = [
  { title: "Block", cell: (row) => count(row.height) },
  { title: "When", cell: (row) => <Ago at={row.at} /> },
  { title: "Entry", cell: (row) => <Hash>{row.entryHash}</Hash> },
  { title: "Difficulty", cell: (row) => <code>{row.target}</code> },
  {
    title: "State",
    cell: (row) => <Tag kind={STATES[row.state].kind}>{STATES[row.state].words}</Tag>,
  },
  {
    title: "Why",
    cell: (row) => row.reason !== null && <span class="small muted why">{row.reason}</span>,
  },
];

function draw(rows: readonly Submission[]) {
  if (rows.length === 0)
    return (
      <Empty title="No submission yet">
        A share good enough to win a place is submitted to the chain and listed here.
      </Empty>
    );
  return <Table label="submissions" columns={COLUMNS} rows={rows} keyOf={(row) => row.entryHash} />;
}

function SubmissionsPage() {
  return (
    <PagedList<Submission, SubmissionListView>
      title="Submissions"
      about="Shares that beat the network's threshold are submitted; beyond the best 25 of a block they are held back."
      list="Newest first"
      path="/api/submissions"
      query={job !== null && /^\d+$/.test(job) ? `job=${job}&` : ""}
      rowsOf={(answer) => answer.submissions}
      draw={draw}
    />
  );
}

mount(SubmissionsPage);
