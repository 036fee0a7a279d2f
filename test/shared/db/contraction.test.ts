/** Expand, then contract one release later (CONTRIBUTING.md, "A migration"): what takes away says which code can do without. */

import { describe, expect, it } from "vitest";
import { sqlPieces } from "../../../shared/db/drivers/sql-text.ts";
import { loadMigrations, schemaHash } from "../../../shared/db/migrate.ts";
import { readReleases } from "../../support/releases.ts";

/** What older code may miss. A function, a trigger and an index that go and come again under one name in one file take nothing away. */
const TAKES_AWAY =
  /\bDROP\s+(?:TABLE|VIEW|COLUMN|SCHEMA|TYPE)\b|\bRENAME\s+(?:TO|COLUMN)\b|\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b|\bSET\s+NOT\s+NULL\b|\bALTER\s+TABLE\s+\w+\s+DROP\s+(?!CONSTRAINT)/i;
const RAISES = /\bUPDATE\s+schema_minimum\s+SET\b/i;

/** The statements alone: comments may say what they like, and so may the bodies of functions. */
function code(text: string): string {
  return sqlPieces(text)
    .filter(({ kind }) => kind === "code")
    .map((piece) => piece.text)
    .join(" ");
}

function isUnannounced(text: string): boolean {
  return TAKES_AWAY.test(code(text)) && !RAISES.test(code(text));
}

describe("the migrations of a release", () => {
  it.each(readReleases().map((release) => [release.version, release] as const))(
    "%s are as they were released",
    (_version, { migration, schema }) => {
      const released = loadMigrations().filter(({ version }) => version <= migration);

      expect(released.at(-1)?.version).toBe(migration);
      expect(schemaHash(released)).toBe(schema);
    },
  );
});

describe("a migration after the last release", () => {
  const [{ migration }] = readReleases();
  const later = loadMigrations().filter(({ version }) => version > migration);

  it("raises the minimum where it takes something away", () => {
    expect(later.filter(({ text }) => isUnannounced(text)).map(({ name }) => name)).toEqual([]);
  });

  it.each([
    ["ALTER TABLE jobs DROP COLUMN opr", true],
    ["ALTER TABLE jobs DROP opr", true],
    ["ALTER TABLE jobs RENAME COLUMN opr TO record", true],
    ["ALTER TABLE jobs ALTER COLUMN reward TYPE numeric", true],
    ["ALTER TABLE jobs ALTER reward SET NOT NULL", true],
    ["DROP TABLE jobs; UPDATE schema_minimum SET version = 80, release = '0.3.0'", false],
    ["ALTER TABLE jobs ADD COLUMN x integer -- DROP TABLE", false],
    ["ALTER TABLE jobs DROP CONSTRAINT jobs_check", false],
  ])("is found by %s: %s", (text, found) => {
    expect(isUnannounced(text)).toBe(found);
  });
});
