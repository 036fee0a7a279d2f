/** A QR code, dark on light whatever the page's colours are: cameras want it so. */

import { generate } from "lean-qr";

/** The border that cameras need, in modules. */
const MARGIN = 4;

export function QrCode({ text, label }: { text: string; label: string }) {
  const code = generate(text);
  const all = Array.from({ length: code.size }, (_, i) => i);
  const path = all
    .flatMap((y) => all.filter((x) => code.get(x, y)).map((x) => `M${x} ${y}h1v1h-1z`))
    .join("");
  const span = code.size + 2 * MARGIN;
  return (
    <svg
      class="qr"
      role="img"
      aria-label={label}
      viewBox={`${-MARGIN} ${-MARGIN} ${span} ${span}`}
      width="180"
      height="180"
      shape-rendering="crispEdges"
    >
      <rect x={-MARGIN} y={-MARGIN} width={span} height={span} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
