/** Amounts, times and names as they stand in a text or a table. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { ago, dateTime, localDateTime, peg, pegExactly } from "../format.ts";
import { now } from "../live/clock.ts";

/** 1e-8 PEG, cut to `digits` decimals, all of them in the tooltip. */
export function Peg({
  units,
  digits = 2,
  unit = true,
}: {
  units: string | null;
  digits?: number;
  unit?: boolean;
}) {
  return (
    <span title={pegExactly(units)}>
      {peg(units, digits)}
      {unit && units !== null && " PEG"}
    </span>
  );
}

/** How long ago by the server's clock; it goes on by itself. */
export function Ago({ at, endedAt }: { at: string; endedAt?: string | null }) {
  const since = endedAt ?? at;
  const element = useRef<HTMLTimeElement>(null);
  // Each second changes the text where it differs, and draws nothing anew.
  useLayoutEffect(
    () =>
      now.subscribe((nowMs) => {
        const shown = ago(since, nowMs);
        if (element.current !== null && element.current.textContent !== shown)
          element.current.textContent = shown;
      }),
    [since],
  );
  return <time ref={element} class="nowrap muted" dateTime={since} title={bothTimes(at)} />;
}

/** A moment by the visitor's clock with its zone, and UTC beside it. */
export function When({ at }: { at: string }) {
  const local = localDateTime(at);
  return (
    <time class="when muted" dateTime={at}>
      {local !== undefined && <span class="nowrap">{local}</span>}
      {local !== undefined && " "}
      <span class={local === undefined ? "nowrap" : "nowrap utc"}>{dateTime(at)}</span>
    </time>
  );
}

export function bothTimes(at: string): string {
  const local = localDateTime(at);
  return local === undefined ? dateTime(at) : `${local} = ${dateTime(at)}`;
}

/** What somebody has named, or a hash: it may be long, and breaks anywhere. */
export function Name({ children }: { children: string }) {
  return <span class="name">{children}</span>;
}

export function Hash({ children }: { children: string }) {
  return (
    <code class="hash" title={children}>
      {children}
    </code>
  );
}

export type TagKind = "" | "good" | "warn" | "bad";

export function Tag({ kind = "", title, children }: { kind?: TagKind; title?: string; children: string }) {
  return (
    <span class={`tag ${kind}`} title={title}>
      {children}
    </span>
  );
}
