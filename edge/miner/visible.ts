/** Makes a pool's text safe to show in a terminal or a log. */

const MAX_CHARACTERS = 500;

/** Characters that move the cursor, change the direction of writing, join others or are invisible become "?". */
export function visible(text: string): string {
  const shown = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  return [...shown].slice(0, MAX_CHARACTERS).join("");
}
