/** A column that is selected as text is ordered by the table's own, or 9 comes after 10 (CONTRIBUTING.md, "How we write"). */

import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL("../../../", import.meta.url).pathname;
const files = globSync(["shared/**/*.ts", "functions/**/*.ts", "edge/**/*.ts", "infra/**/*.ts"], {
  cwd: root,
});

it("no statement orders by a name that it has cast to text under the same name", () => {
  const shadowed = files.flatMap((file) => {
    const text = readFileSync(`${root}${file}`, "utf8");
    const names = new Set([...text.matchAll(/\b(\w+)::text AS "?\1"?/g)].map(([, name = ""]) => name));
    return [...names].flatMap((name) =>
      [...text.matchAll(new RegExp(`ORDER BY ${name}\\b(?!\\.).*`, "g"))].map(
        ([clause]) => `${file}: ${clause}`,
      ),
    );
  });

  expect(files.length).toBeGreaterThan(300);
  expect(shadowed).toEqual([]);
});
