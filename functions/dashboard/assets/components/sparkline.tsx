/** A worker's last hour as a small line. */

const WIDTH = 120;
const HEIGHT = 28;

/** `values` are hashes per second by the minute, oldest first. */
export function Sparkline({ values }: { values: readonly number[] }) {
  const top = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  const line = values
    .map((value, i) => `${(i * step).toFixed(1)} ${(HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(1)}`)
    .join(" L");
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img">
      <title>hash rate of the last hour</title>
      {values.length > 1 && <path class="area" d={`M0 ${HEIGHT} L${line} L${WIDTH} ${HEIGHT} Z`} />}
      {values.length > 1 && <path d={`M${line}`} />}
    </svg>
  );
}
