/** The digest of a payout at a terminal: what a person compares between the pool and the machine with the paying key, by eye or by camera. */

import { generate } from "lean-qr";
import type { Print } from "../output.ts";

export interface DigestModules {
  readonly print: Print;
  /** A person looks at a terminal: a camera can read it there. */
  readonly isTerminal?: boolean | undefined;
}

/** 64 hex digits as eight groups, and at a terminal as a QR code of the same digits in capitals. */
export function printDigest(digest: string, { print, isTerminal = false }: DigestModules): void {
  print(`Digest, the same wherever this list is: ${digest.match(/.{8}/g)?.join(" ") ?? digest}`, {
    ...{ event: "digest", digest },
  });
  if (isTerminal) for (const line of qrLines(digest)) print(line);
}

/** The border that cameras need, in modules. */
const MARGIN = 2;
/** Two rows of modules in one of half blocks: light ones are drawn, dark ones are the terminal's ground. */
const HALVES = [" ", "▄", "▀", "█"];

export function qrLines(digest: string): string[] {
  const code = generate(digest.toUpperCase());
  const rows = Array.from({ length: Math.ceil((code.size + 2 * MARGIN) / 2) }, (_, i) => 2 * i - MARGIN);
  const columns = Array.from({ length: code.size + 2 * MARGIN }, (_, i) => i - MARGIN);
  return rows.map((y) =>
    columns.map((x) => HALVES[(code.get(x, y) ? 0 : 2) + (code.get(x, y + 1) ? 0 : 1)] ?? "").join(""),
  );
}
