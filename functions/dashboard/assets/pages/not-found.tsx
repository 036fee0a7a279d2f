/** What is answered where there is no page. */

import { Card, PageHead } from "../components/card.tsx";
import { mount } from "../components/frame.tsx";

function NotFoundPage() {
  return (
    <>
      <PageHead title="There is no page here" about={`Nothing is at ${location.pathname} on this pool.`} />
      <Card title="Perhaps you looked for">
        <ul class="explain">
          <li>
            <a href="/">the pool's figures, and how to connect</a>
          </li>
          <li>
            <a href="/pool/rewards">its blocks and their books</a>
          </li>
          <li>
            <a href="/me">your own page</a>
          </li>
          <li>
            <a href="/api/docs">the API</a>
          </li>
        </ul>
      </Card>
    </>
  );
}

mount(NotFoundPage);
