/** PostgreSQL takes a bare name after ORDER BY for a column of the answer: `id::text AS id … ORDER BY id` puts 9 after 10. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const SHARED = join(import.meta.dirname, "../../../shared");

/** Names under which some statement of the text answers a column as text, and bare terms of the statements' ORDER BY. */
function bareTermsCastToText(text: string): string[] {
  const asText = new Set(
    [...text.matchAll(/\b(\w+)::text\b(?:\s+AS\s+"?(\w+)"?)?/g)].map(([, own = "", alias]) => alias ?? own),
  );
  return [...text.matchAll(/\bORDER BY\s+([^`;)]*)/g)].flatMap(
    ([, terms = ""]) =>
      terms
        .split(/\bLIMIT\b|\bFOR\b/)[0]
        ?.split(",")
        .map((term) => /^\s*"?(\w+)"?(?=\s|$)(?!\.)/.exec(term)?.[1] ?? "")
        .filter((name) => asText.has(name)) ?? [],
  );
}

describe("the queries", () => {
  const files = ["db", "audit"].flatMap((folder) =>
    readdirSync(join(SHARED, folder))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name)),
  );

  it.each(files)("of %s order by no number that they answer as text", (name) => {
    expect(bareTermsCastToText(readFileSync(join(SHARED, name), "utf8"))).toEqual([]);
  });

  it("would be found out by the column's bare name", () => {
    expect(
      bareTermsCastToText("SELECT id::text AS id FROM prices ORDER BY at, id DESC LIMIT 1`; SELECT 1"),
    ).toEqual(["id"]);
    expect(bareTermsCastToText("SELECT id::text AS id FROM prices ORDER BY prices.id DESC`")).toEqual([]);
  });
});
