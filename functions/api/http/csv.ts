/**
 * Tables as CSV (RFC 4180), safe to open in a spreadsheet: what would begin a formula there stands behind an apostrophe, also after a character that
 * another country's spreadsheet separates columns by.
 */

/** CSV injection, OWASP: = + - @ tab and carriage return, and their wide forms. */
const FORMULA = /(?<=^|[;,|"\t\r\n])(?=\s*[=+\-@\t\r＝＋－＠])/g;
/** No formula, whatever its sign. */
const NUMBER = /^-?\d+(\.\d+)?$/;
const QUOTED = /[",\r\n;\t]/;

export function csvOf(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, ...rows].map((cells) => `${cells.map(cellOf).join(",")}\r\n`).join("");
}

function cellOf(text: string): string {
  const safe = NUMBER.test(text) ? text : text.replace(FORMULA, "'");
  return QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
