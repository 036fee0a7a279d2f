/** @jsxRuntime classic */
/** @jsx h */
/**
 * "We see you": what becomes of the miner whose line was copied. Fetched when the first line is copied. It imports nothing: what it shared with the
 * page would be cut out of the first page's scripts into one more of them. The page hands it in.
 */

import type { useSignal } from "@preact/signals";
import type { ComponentType, h } from "preact";
import type { useEffect } from "preact/hooks";
import type { ConnectionView } from "../../../api/views/connection.ts";
import type { sentence } from "../format.ts";
import type { get } from "../live/api.ts";

export interface WatchParts {
  readonly h: typeof h;
  readonly useEffect: typeof useEffect;
  readonly useSignal: typeof useSignal;
  readonly get: typeof get;
  readonly sentence: typeof sentence;
}

type Seen = NonNullable<ConnectionView["seen"]>;

/** A miner that makes its table may take a quarter of an hour to its first share. */
const WATCH_MS = 30 * 60_000;

export function connectWatch({
  // biome-ignore lint/correctness/noUnusedFunctionParameters: JSX calls it, by the comment at the top.
  h,
  useEffect,
  useSignal,
  get,
  sentence,
}: WatchParts): ComponentType<{ code: string }> {
  const pollMs = document.body.dataset["live"] === "stream" ? 700 : 2000;

  function ConnectWatch({ code }: { code: string }) {
    const seen = useSignal<Seen | null>(null);
    const isOver = useSignal(false);
    const isWatched = useSignal(true);
    const begun = useSignal(0);
    useEffect(() => {
      const startedMs = performance.now();
      let etag: string | undefined;
      let timer = 0;
      const look = async (): Promise<void> => {
        const waitedMs = performance.now() - startedMs;
        const seconds = Math.ceil(waitedMs / 1000);
        // A pool that is away is asked again: the page says so by itself.
        const answer = document.hidden
          ? undefined
          : await get<ConnectionView>(`/api/connect/${code}?seconds=${seconds}`, etag).catch(() => undefined);
        etag = answer?.etag ?? etag;
        if (answer?.body !== undefined) {
          seen.value = answer.body.seen;
          isWatched.value = answer.body.watched;
        }
        isOver.value = waitedMs > WATCH_MS || seen.value?.credited === true || !isWatched.value;
        if (!isOver.value) timer = window.setTimeout(() => void look(), pollMs);
      };
      void look();
      return () => clearTimeout(timer);
    }, [begun.value]);
    if (!isWatched.value) return <p class="small muted">{ELSEWHERE}</p>;
    const now = seen.value;
    const lookAgain = (): void => {
      isOver.value = false;
      begun.value += 1;
    };
    return (
      <section aria-label="Your miner">
        <div role="status">
          <p class={now?.credited === true ? "good" : ""}>{headline(now, isOver.value)}</p>
          {now !== null && now.problem !== null && !now.credited && (
            <p class="bad">
              <b>{sentence(now.problem.words)}</b>
            </p>
          )}
        </div>
        {now !== null && (
          <ol class="cures small">
            {stepsOf(now).map(([name, state]) => (
              <li key={name}>
                <b>{name}</b>
                <span class={state === NOT_YET ? "muted" : "good"}>{state}</span>
              </li>
            ))}
          </ol>
        )}
        {isOver.value && now?.credited !== true && (
          <button type="button" onClick={lookAgain}>
            Look again
          </button>
        )}
      </section>
    );
  }
  return ConnectWatch;
}

function headline(seen: Seen | null, isOver: boolean): string {
  if (seen === null)
    return isOver
      ? "Nothing was heard of your miner."
      : "Waiting for your miner: run the line, and what becomes of it appears here.";
  if (seen.credited) return "We see you: your first share is credited.";
  const whose =
    seen.by === "code"
      ? "We see your miner"
      : "We see a miner without this page's code that came from your address";
  return `${whose}${seen.closed ? "; its connection has ended" : ""}.`;
}

const ELSEWHERE =
  "Nobody looks out for your miner here just now: the miner itself says what becomes of it, and its first shares appear on your page.";

const NOT_YET = "not yet";

const reached = (instant: string | null): string =>
  instant === null ? NOT_YET : new Date(instant).toLocaleTimeString();

/** What has to come, in this order. */
function stepsOf(seen: Seen): (readonly [name: string, state: string])[] {
  const { connected, subscribed, loggedIn, tablePercent, firstShare, credited } = seen;
  const table = tablePercent === null ? [] : [["Makes its table", `${tablePercent} %`] as const];
  return [
    ["Connected", reached(connected)],
    ["Subscribed", reached(subscribed)],
    ["Logged in", reached(loggedIn)],
    ...table,
    ["First share", reached(firstShare)],
    ["First credit", credited ? "in the books" : NOT_YET],
  ];
}
