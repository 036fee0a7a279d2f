/** A user's choice of what everybody may see. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Shown } from "../../../../shared/accounts/shown.ts";
import type { ShownView } from "../../../api/views/public-miner.ts";
import { Card, Loading } from "../components/card.tsx";
import { sentence } from "../format.ts";
import { ApiError, request } from "../live/api.ts";
import { attempt, feedOf } from "../live/fresh.ts";

const PATH = "/api/me/public";
const WORDS: Readonly<Record<Shown, string>> = {
  rate: "my hash rate",
  workers: "how many workers",
  earned: "what I earned",
  address: "my payout address, and find me by it",
};

const feed = feedOf<ShownView>(PATH);

export function ShownCard({ user }: { user: string }) {
  useEffect(() => void attempt(() => feed.refresh()), []);
  const isSending = useSignal(false);
  const failed = useSignal<string | undefined>(undefined);
  const shows = feed.value.value?.shows;
  const toggle = async (one: Shown, known: readonly Shown[]): Promise<void> => {
    failed.value = undefined;
    isSending.value = true;
    try {
      const next = known.includes(one) ? known.filter((other) => other !== one) : [...known, one];
      feed.value.value = await request<ShownView>("PUT", PATH, { shows: next });
    } catch (error) {
      failed.value = sentence(error instanceof ApiError ? error.message : "this did not work");
    }
    isSending.value = false;
  };
  return (
    <Card title="What others may see">
      <p class="small muted">
        Nothing, unless you choose. Who knows your name then finds it at{" "}
        <a href={`/find?${new URLSearchParams({ who: user })}`}>Find my miner</a>; names of workers are never
        shown.
      </p>
      {shows === undefined ? (
        <Loading />
      ) : (
        <div class="actions">
          {(Object.keys(WORDS) as Shown[]).map((one) => (
            <button
              key={one}
              type="button"
              class="small"
              aria-pressed={shows.includes(one)}
              disabled={isSending.value}
              onClick={() => void toggle(one, shows)}
            >
              {WORDS[one]}
            </button>
          ))}
        </div>
      )}
      <p role="status" class="small bad" hidden={failed.value === undefined}>
        {failed.value}
      </p>
    </Card>
  );
}
