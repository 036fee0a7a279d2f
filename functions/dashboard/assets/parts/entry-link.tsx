/** An entry of the chain by its hash: at the explorer that the operator chose, else its story at this pool. */

import { Hash } from "../components/figures.tsx";

const { explorer } = document.body.dataset;

export function EntryLink({ hash }: { hash: string }) {
  return (
    <a href={explorer === undefined ? `/story/${hash}` : explorer.replace("{hash}", hash)}>
      <Hash>{hash}</Hash>
    </a>
  );
}
