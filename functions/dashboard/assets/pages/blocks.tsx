/** All graded blocks with their books. */

import type { BlockListView, BlockView } from "../../../api/views/views.ts";
import { mount } from "../components/frame.tsx";
import { BlocksTable } from "../parts/blocks-table.tsx";
import { PagedList } from "../parts/paged.tsx";

function BlocksPage() {
  return (
    <PagedList<BlockView, BlockListView>
      title="Blocks and rewards"
      about="Fee, what miners are booked and what is carried on make up each reward and what was carried in."
      list="Newest first"
      path="/api/blocks"
      rowsOf={(answer) => answer.blocks}
      draw={(blocks) => <BlocksTable blocks={blocks} books />}
      aside={<a href="/pool/payments">Payments</a>}
    />
  );
}

mount(BlocksPage);
