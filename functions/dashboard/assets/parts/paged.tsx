/** A page with one list that is fetched piece by piece, by a button at its end. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Card, Loading, PageHead } from "../components/card.tsx";
import { get } from "../live/api.ts";
import { attempt } from "../live/fresh.ts";

interface PagedListProps<Row, View extends { readonly next: string | number | null }> {
  title: string;
  about: string;
  /** Names the card. */
  list: string;
  /** Without a query. */
  path: string;
  /** Put before the paging. */
  query?: string;
  rowsOf: (answer: View) => readonly Row[];
  draw: (rows: readonly Row[]) => ComponentChildren;
  aside?: ComponentChildren;
}

export function PagedList<Row, View extends { readonly next: string | number | null }>(
  props: PagedListProps<Row, View>,
) {
  const rows = useSignal<readonly Row[] | undefined>(undefined);
  const next = useSignal<string | number | null>(null);
  const isLoading = useSignal(true);
  const load = async (): Promise<void> => {
    isLoading.value = true;
    await attempt(async () => {
      const before = next.value === null ? "" : `&before=${next.value}`;
      const { body } = await get<View>(`${props.path}?${props.query ?? ""}limit=100${before}`);
      if (body === undefined) return;
      rows.value = [...(rows.value ?? []), ...props.rowsOf(body)];
      next.value = body.next;
    });
    isLoading.value = false;
  };
  useEffect(() => void load(), []);
  const failed = rows.value === undefined && !isLoading.value;
  return (
    <>
      <PageHead title={props.title} about={props.about}>
        {props.aside}
      </PageHead>
      <Card title={props.list}>
        {rows.value === undefined ? !failed && <Loading /> : props.draw(rows.value)}
        <div class="more">
          <button
            type="button"
            hidden={next.value === null && !failed}
            disabled={isLoading.value}
            onClick={() => void load()}
          >
            {failed ? "Try again" : "Show more"}
          </button>
        </div>
      </Card>
    </>
  );
}
