/** A number with its noun. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { counted } from "../../shared/counted.ts";

it("says one file, no files and three entries", () => {
  expect(counted(1, "file")).toBe("1 file");
  expect(counted(0, "file")).toBe("0 files");
  expect(counted(3, "entry", "entries")).toBe("3 entries");
  expect(counted(1n, "entry", "entries")).toBe("1 entry");
});

it("is what the commands use: none prints a figure beside a noun that is always plural", () => {
  const folder = join(import.meta.dirname, "../../infra");
  const found: string[] = [];
  for (const part of ["cli", "doctor", "pool", "backup"])
    for (const name of readdirSync(join(folder, part), { recursive: true, encoding: "utf8" }))
      if (name.endsWith(".ts"))
        for (const [line] of readFileSync(join(folder, part, name), "utf8").matchAll(
          /(\.length|\b(booked|submitted|shares|blocks|entries|rows|files|users)) ?\} (users|entries|blocks|shares|records|payments|rows|tables|files)\b.*/g,
        ))
          found.push(`${part}/${name}: ${line}`);
  expect(found).toEqual([]);
});
