/** Changes to well-formed input: of its JSON values, of its text, of its bytes. */

import type { Chance } from "../../support/random.ts";

const ODD_VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    -0,
    2 ** 31,
    2 ** 53,
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "NaN",
    "Infinity",
  ],
  ...[
    "__proto__",
    "constructor",
    "\u0000",
    "\ud800",
    "é",
    "💥",
    "ffffffffffffffff",
    "0x10",
    "../../x",
    "<script>",
  ],
  ...[
    "a".repeat(255),
    "9".repeat(400),
    "f".repeat(4_000),
    [],
    {},
    [[]],
    [null],
    { a: 1 },
    { __proto__: null },
  ],
];
const ODD_TEXT = [
  ...[
    "1e400",
    "-1e400",
    "01",
    "+1",
    ".5",
    "1.",
    "0x1",
    "NaN",
    "tru",
    "nul",
    "'a'",
    '"\\u"',
    '"\\ud800"',
    "{}",
    "[]",
  ],
  ...[
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    "\\u0000",
    "\u0000",
    "\r",
    "\r\n",
    "\n\n",
    "\ufeff",
    "//x",
    "/*x*/",
  ],
  ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}'],
];

/** Deep nesting, within a line. */
function nested(chance: Chance): string {
  const depth = chance.whole(10, 1_900);
  if (chance.hit(0.5)) return `${"[".repeat(depth)}${"]".repeat(depth)}`;
  return `${'{"a":'.repeat(depth / 6)}1`;
}

/** A value of the tree replaced, removed or doubled; the text where it is no JSON. */
export function mutateJson(text: string, chance: Chance): string {
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch {
    return mutateText(text, chance);
  }
  return JSON.stringify(mutateValue(tree, chance)) ?? "";
}

function mutateValue(value: unknown, chance: Chance): unknown {
  if (typeof value !== "object" || value === null || chance.hit(0.15)) return odd(value, chance);
  if (Array.isArray(value)) {
    const items = [...value];
    if (items.length === 0 || chance.hit(0.15)) {
      items.splice(chance.whole(0, items.length), 0, chance.pick(ODD_VALUES));
      return items;
    }
    const at = chance.whole(0, items.length - 1);
    if (chance.hit(0.15)) items.splice(at, 1);
    else items[at] = mutateValue(items[at], chance);
    return items;
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || chance.hit(0.1))
    return Object.fromEntries([...entries, [oddKey(chance), chance.pick(ODD_VALUES)]]);
  const at = chance.whole(0, entries.length - 1);
  const [key, inner] = entries[at] ?? ["", null];
  if (chance.hit(0.1)) entries.splice(at, 1);
  else entries[at] = [chance.hit(0.1) ? key.toUpperCase() : key, mutateValue(inner, chance)];
  return Object.fromEntries(entries);
}

function oddKey(chance: Chance): string {
  return JSON.stringify(chance.pick(ODD_VALUES)).replaceAll('"', "");
}

function odd(value: unknown, chance: Chance): unknown {
  if (typeof value === "string" && chance.hit(0.6)) return mutateText(value, chance);
  if (typeof value === "number" && chance.hit(0.5)) return value + chance.pick([1, -1, 0.5, 1e9, -1e9]);
  return chance.pick(ODD_VALUES);
}

/** Cuts, doublings, odd tokens and single characters, at any place. */
export function mutateText(text: string, chance: Chance): string {
  let out = text;
  for (let times = chance.whole(1, 3); times > 0; times--) {
    const at = chance.whole(0, out.length);
    const end = Math.min(out.length, at + chance.whole(0, chance.hit(0.1) ? out.length : 8));
    const kind = chance.whole(0, 6);
    if (kind === 0) out = out.slice(0, at) + out.slice(end);
    else if (kind === 1) out = out.slice(0, end) + out.slice(at, end) + out.slice(end);
    else if (kind === 2) out = out.slice(0, at) + chance.pick(ODD_TEXT) + out.slice(end);
    else if (kind === 3)
      out = out.slice(0, at) + String.fromCharCode(chance.whole(0, 0xffff)) + out.slice(at + 1);
    else if (kind === 4) out = out.slice(0, at) + nested(chance) + out.slice(end);
    else if (kind === 5) out = swapCase(out, at, end);
    else out = out.slice(0, at) + chance.whole(0, 2 ** 40).toString(chance.pick([10, 16])) + out.slice(end);
  }
  return out;
}

function swapCase(text: string, at: number, end: number): string {
  const part = text.slice(at, end);
  return (
    text.slice(0, at) +
    (part === part.toUpperCase() ? part.toLowerCase() : part.toUpperCase()) +
    text.slice(end)
  );
}

/** Flipped, cut, doubled and random bytes. */
export function mutateBytes(bytes: Uint8Array, chance: Chance): Uint8Array {
  let out = Buffer.from(bytes);
  for (let times = chance.whole(1, 4); times > 0; times--) {
    const at = chance.whole(0, Math.max(0, out.length - 1));
    const kind = chance.whole(0, 4);
    if (kind === 0 && out.length > 0) out[at] = (out[at] ?? 0) ^ (1 << chance.whole(0, 7));
    else if (kind === 1 && out.length > 0) out[at] = chance.pick([0, 1, 0x7f, 0x80, 0xff]);
    else if (kind === 2) out = out.subarray(0, at);
    else if (kind === 3)
      out = Buffer.concat([out.subarray(0, at), randomBytes(chance, chance.whole(0, 12)), out.subarray(at)]);
    else out = Buffer.concat([out.subarray(0, at), out.subarray(chance.whole(at, out.length))]);
  }
  return new Uint8Array(out);
}

export function randomBytes(chance: Chance, length: number): Uint8Array {
  return chance.bytes()(length);
}
