/** package.json says what the product needs: no package that nobody imports is installed with it. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const manifest = v.parse(
  v.object({ dependencies: v.record(v.string(), v.string()) }),
  JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")),
);
/** Everything that runs in a pool. */
const product = ["edge", "functions", "infra", "shared"]
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  )
  .filter((name) => /\.(?:tsx?|mjs|js)$/.test(name))
  .map((name) => readFileSync(join(ROOT, name), "utf8"))
  .join("\n");

describe("package.json", () => {
  it.each(Object.keys(manifest.dependencies))(
    "names %s, which the product uses outside its tests",
    (name) => {
      const quoted = name.replaceAll(/[/.]/g, "\\$&");
      expect(product).toMatch(new RegExp(`["'\`]@?${quoted}(?:["'\`/-]|$)`, "m"));
    },
  );
});
