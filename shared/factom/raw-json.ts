/** JSON read without losing what JSON.parse drops: duplicate keys, key order, and the digits of large integers. */

/** The text without white space outside strings, undefined where it is not JSON. */
export function compactJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return text.replaceAll(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, (_, quoted: string | undefined) => quoted ?? "");
}

/** Keys (unescaped) and raw values of a compact object, in order, duplicates kept; undefined where it is no object. */
export function objectMembers(compact: string): readonly (readonly [key: string, raw: string])[] | undefined {
  if (!compact.startsWith("{")) return undefined;
  return splitTopLevel(compact).map((member) => {
    const key = /^"(?:[^"\\]|\\.)*"/.exec(member)?.[0] ?? '""';
    return [String(JSON.parse(key)), member.slice(key.length + 1)];
  });
}

/** Raw elements of a compact array; undefined where it is none. */
export function arrayElements(compact: string): readonly string[] | undefined {
  return compact.startsWith("[") ? splitTopLevel(compact) : undefined;
}

/** The text of a compact string without escapes; undefined for every other value. */
export function plainString(compact: string): string | undefined {
  return /^"[^"\\]*"$/.test(compact) ? compact.slice(1, -1) : undefined;
}

/** An integer without sign, fraction or exponent, in whole; undefined for every other value. */
export function plainInteger(compact: string): bigint | undefined {
  return /^(?:0|[1-9]\d*)$/.test(compact) ? BigInt(compact) : undefined;
}

/** The pieces between the commas of one object or array. The text is known to be valid and compact. */
function splitTopLevel(compact: string): string[] {
  const inner = compact.slice(1, -1);
  if (inner === "") return [];
  const pieces: string[] = [];
  let depth = 0;
  let start = 0;
  let inString = false;
  for (let at = 0; at < inner.length; at++) {
    const character = inner[at];
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (character === "," && depth === 0) {
      pieces.push(inner.slice(start, at));
      start = at + 1;
    }
  }
  pieces.push(inner.slice(start));
  return pieces;
}
