/** How a worker does, in a word. */

import type { WorkerView } from "../../../api/views/worker.ts";
import { bothTimes, Tag, type TagKind } from "../components/figures.tsx";

export const STATE_NAMES: Readonly<Record<WorkerView["state"], string>> = {
  ok: "OK",
  low: "Low",
  offline: "Offline",
  recovered: "Recovered",
};
const KINDS: Readonly<Record<WorkerView["state"], TagKind>> = {
  ok: "good",
  low: "warn",
  offline: "bad",
  recovered: "good",
};

export const nameOf = (name: string): string => (name === "" ? "(no name)" : name);

export function WorkerStateTag({
  worker: { state, stateSince },
}: {
  worker: Pick<WorkerView, "state" | "stateSince">;
}) {
  return (
    <Tag kind={KINDS[state]} title={`since ${bothTimes(stateSince)}`}>
      {STATE_NAMES[state]}
    </Tag>
  );
}
