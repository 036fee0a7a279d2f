/** A user's part in every block. */

import type { MyBlocksView } from "../../../api/views/views.ts";
import { mount } from "../components/frame.tsx";
import { MyBlocksTable } from "../parts/my-blocks.tsx";
import { PagedList } from "../parts/paged.tsx";

function OwedPage() {
  return (
    <PagedList<MyBlocksView["blocks"][number], MyBlocksView>
      title="Your blocks"
      about="Your shares and your part of the reward, block by block."
      list="Block by block"
      path="/api/me/blocks"
      rowsOf={(answer) => answer.blocks}
      draw={(blocks) => <MyBlocksTable blocks={[...blocks]} />}
      aside={<a href="/me">My page</a>}
    />
  );
}

mount(OwedPage);
