/** The pages that hold the rules: what cites them cites a heading that exists, and what they name exists. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { anchorOf } from "../../infra/aws/runbook-alarm.ts";

const ROOT = join(import.meta.dirname, "../..");
const NOT_OURS = new Set(["node_modules", ".git", "cdk.out", "coverage"]);
const SELF = basename(import.meta.filename);
const TEXT = /\.(?:ts|js|mjs|sql|md|json|toml|yml|css|html)$|(?:^|\/)(?:Dockerfile|run)$/;

/** Every text file of the project, by its path from the top. */
const files: ReadonlyMap<string, string> = new Map(
  readdirSync(ROOT)
    .filter((name) => !NOT_OURS.has(name))
    .flatMap((name) =>
      statSync(join(ROOT, name)).isDirectory()
        ? readdirSync(join(ROOT, name), { recursive: true, encoding: "utf8" }).map((inner) =>
            join(name, inner),
          )
        : [name],
    )
    .filter((path) => TEXT.test(path) && basename(path) !== SELF && statSync(join(ROOT, path)).isFile())
    .map((path) => [path, readFileSync(join(ROOT, path), "utf8")]),
);
const pages = [...files].filter(([path]) => path.endsWith(".md"));

function page(path: string): string {
  const text = files.get(path);
  if (text === undefined) throw new Error(`there is no ${path}`);
  return text;
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```/gm, "");
}

function headingsOf(path: string): string[] {
  return [...withoutCode(page(path)).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => heading);
}

/** A comment as one line: a citation may go on in the next. */
function unwrapped(text: string): string {
  return text.replaceAll(/\s*\n\s*(?:\*(?!\/)|\/\/|--|#)?[ \t]*/g, " ");
}

interface Citation {
  readonly path: string;
  readonly page: string;
  /** Undefined: the page alone is named. */
  readonly heading: string | undefined;
}

/** `docs/design.md, "Sealing"`, anywhere. */
function citations(): Citation[] {
  return [...files].flatMap(([path, text]) =>
    [...unwrapped(text).matchAll(/\b(docs\/(?:design|spec)\.md)(?:, "([^"]+)")?/g)].map(
      ([, cited = "", heading]) => ({ path, page: cited, heading }),
    ),
  );
}

describe("the rules", () => {
  it("are cited by headings that exist", () => {
    const broken = citations()
      .filter(({ heading, page: cited }) => heading !== undefined && !headingsOf(cited).includes(heading))
      .map(({ path, page: cited, heading }) => `${path} cites ${cited}, "${heading}"`);

    expect(broken).toEqual([]);
    expect(citations().filter(({ heading }) => heading !== undefined).length).toBeGreaterThan(70);
  });

  it("are cited by a heading wherever code cites them", () => {
    const bare = citations().filter(({ path, heading }) => heading === undefined && !path.endsWith(".md"));

    expect(bare.map(({ path }) => path)).toEqual([]);
  });

  it("are those in the project: no page outside is cited", () => {
    // Its bytes are hashed in every database: a released migration is never edited.
    const released = "shared/db/migrations/0002_books.sql";
    const outside = new RegExp(["DESIGN", "SPEC"].map((name) => `\\b${name}(?:\\.md\\b| §)`).join("|"));
    const citing = [...files].filter(([, text]) => outside.test(text)).map(([path]) => path);

    expect(citing).toEqual([released]);
  });

  it.each(["docs/design.md", "docs/spec.md"])("stand in %s under headings that no other has", (path) => {
    const headings = headingsOf(path);

    expect(headings.filter((heading, at) => headings.indexOf(heading) !== at)).toEqual([]);
  });
});

describe("the pages", () => {
  it("link to files and headings that exist", () => {
    const broken = pages.flatMap(([path, text]) =>
      [...withoutCode(text).matchAll(/\]\((?!https?:)([^()\s#]*)(?:#([^()\s]+))?\)/g)]
        .filter(([, target = "", anchor]) => !isThere(path, target, anchor))
        .map(([link]) => `${path}: ${link}`),
    );

    expect(broken).toEqual([]);
  });

  it.each(["docs/design.md", "docs/spec.md", "CONTRIBUTING.md"])(
    "name in %s only files that exist",
    (path) => {
      const named = filesNamedIn(page(path));

      expect(named.filter((name) => !existsSync(join(ROOT, beforePlaceholder(name))))).toEqual([]);
      expect(named.length).toBeGreaterThan(10);
    },
  );
});

describe("npm scripts", () => {
  it("that a page names are there", () => {
    const { scripts } = v.parse(
      v.object({ scripts: v.record(v.string(), v.string()) }),
      JSON.parse(page("package.json")),
    );
    const unknown = pages.flatMap(([path, text]) =>
      [...text.matchAll(/npm run (?:--silent )?([a-z][a-z0-9:-]*)/g)]
        .filter(([, name = ""]) => scripts[name] === undefined)
        .map(([command]) => `${path}: ${command}`),
    );

    expect(unknown).toEqual([]);
  });
});

describe("the recipes", () => {
  const recipes = page("CONTRIBUTING.md")
    .split(/^## /m)
    .find((section) => section.startsWith("Recipes\n"))
    ?.split(/^### /m)
    .slice(1)
    .map((text): [title: string, text: string] => [text.slice(0, text.indexOf("\n")), text]);

  it("are there for what is changed most often", () => {
    expect(recipes?.map(([title]) => title)).toEqual([
      "A price source",
      "The fee rule",
      "A stratum method",
      "A column on my page",
      "An alarm on AWS",
      "A command",
      "A migration",
    ]);
  });

  it.each(recipes ?? [])("%s: takes five files at most, a test among them", (_title, text) => {
    const steps = [...text.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, name = ""]) => name);
    const named = new Set(filesNamedIn(text));

    expect(steps.length).toBeGreaterThan(1);
    expect(steps.filter((name) => !named.has(name) && name !== "README.md")).toEqual([]);
    expect(new Set([...named, ...steps]).size).toBeLessThanOrEqual(5);
    expect(steps.at(-1)).toMatch(/^test\/.*\.test\.ts$/);
  });
});

/** Paths in backquotes that begin in one of our folders. */
function filesNamedIn(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/`((?:edge|functions|infra|shared|test|docs)\/[^`\s]*)`/g)].map(
    ([, name = ""]) => name,
  );
}

/** Of `shared/prices/sources/NAME.ts`, where the name in capitals is to be chosen, the folder; any other path whole. */
function beforePlaceholder(path: string): string {
  const segments = path.split("/");
  const chosen = segments.findIndex((segment) => /^(?:NAME|NNNN|GROUP)/.test(segment));
  return chosen < 0 ? path : segments.slice(0, chosen).join("/");
}

function isThere(from: string, target: string, anchor: string | undefined): boolean {
  const path = target === "" ? from : join(dirname(from), target);
  if (!existsSync(join(ROOT, path))) return false;
  return anchor === undefined || headingsOf(path).map(anchorOf).includes(anchor);
}
