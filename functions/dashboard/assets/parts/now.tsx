/** The block being mined and how far it is. */

import type { PoolView } from "../../../api/views/views.ts";
import { ago, count, duration, plural } from "../format.ts";
import { now } from "../live/clock.ts";

export function NowHead({ pool }: { pool: PoolView }) {
  const { job } = pool;
  return (
    <div class="now">
      <div class="now-title">
        <h1>{job === null ? "Waiting for the first block" : `Mining block ${count(job.height)}`}</h1>
        <p class="muted">
          {job === null ? "The pool starts when the chain and the prices are in." : <Underline pool={pool} />}
        </p>
      </div>
      {job !== null && <Minutes pool={pool} since={job.since} />}
      {pool.stalledSeconds !== null && <Stalled seconds={pool.stalledSeconds} />}
    </div>
  );
}

function Stalled({ seconds }: { seconds: number }) {
  return (
    <p class="notice" role="status">
      No block has come for {duration(seconds)}, three are due: the network, or the pool's node, stands still.
      What was acknowledged is kept.
    </p>
  );
}

function Underline({ pool }: { pool: PoolView }) {
  const last = pool.blocks[0];
  if (last === undefined) return <>No block of this pool is graded yet.</>;
  const places = last.winning === 0 ? "no place" : plural(last.winning, "place");
  return (
    <>
      Block {count(last.height)} was graded {ago(last.endedAt ?? last.at, now.value)}: {places} for us.
    </>
  );
}

/** Ten minutes of the block; where factomd's minute is not known, the time since the job began. */
function Minutes({ pool, since }: { pool: PoolView; since: string }) {
  const seconds = Math.max(0, (now.value - Date.parse(since)) / 1000);
  const elapsed = Math.min(pool.minuteCount, Math.floor((seconds / pool.blockSeconds) * pool.minuteCount));
  const minute = pool.minute ?? elapsed;
  return (
    <div class="minutes">
      <div class="minutes-label">
        <span>
          {pool.minute === null
            ? `about ${minute} of ${pool.minuteCount} minutes`
            : `Minute ${minute} of ${pool.minuteCount}`}
        </span>
        <span>for {duration(seconds)}</span>
      </div>
      <div
        class="minutes-bar"
        role="progressbar"
        aria-label="minute of the block"
        aria-valuemin={0}
        aria-valuemax={pool.minuteCount}
        aria-valuenow={minute}
      >
        {Array.from({ length: pool.minuteCount }, (_, i) => (
          <i key={i} class={i < minute ? "done" : i === minute ? "now-minute" : ""} />
        ))}
      </div>
    </div>
  );
}
