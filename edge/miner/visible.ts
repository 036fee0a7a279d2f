/** A pool's text as a terminal or a log may show it. */

const MAX_CHARACTERS = 500;

/** Without what moves a cursor, turns the direction of writing, joins or hides characters: each such one becomes "?". */
export function visible(text: string): string {
  const shown = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  return [...shown].slice(0, MAX_CHARACTERS).join("");
}
