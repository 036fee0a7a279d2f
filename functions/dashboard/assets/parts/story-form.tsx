/** Asks what became of a share, an entry, a block or a payment. */

import { SearchForm } from "./search-form.tsx";

export function StoryForm({ value = "" }: { value?: string }) {
  return (
    <SearchForm
      label="Share, entry or block"
      value={value}
      search={(text) => {
        if (text !== "") location.assign(`/story/${encodeURIComponent(text)}`);
      }}
    />
  );
}
