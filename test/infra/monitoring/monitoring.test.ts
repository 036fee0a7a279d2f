/** The dashboard, the alert rules and the page of metrics say what a pool exports: nothing that is not there, and of that all. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Histogram } from "prom-client";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Edge } from "../../../edge/edge.ts";
import { createMeasured } from "../../../infra/pool/measured.ts";
import { createPoolMetrics } from "../../../infra/pool/metrics.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FOLDER = join(ROOT, "infra/monitoring");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Labels of a metric by its name, of a pool with everything that it can have. */
let exported: Map<string, readonly string[]>;
/** Of these the series have other names. */
const histograms = new Set<string>();
beforeAll(async () => {
  const metrics = createPoolMetrics();
  metrics.watch(standInEdge());
  metrics.runOut({ certificate: () => 60, entryCredits: { daysLeft: () => 300, balance: () => 90_000 } });
  createMeasured(metrics.registry);
  exported = new Map(
    (await metrics.registry.getMetricsAsJSON()).map(({ name }) => {
      const metric: unknown = metrics.registry.getSingleMetric(name);
      const labels = v.safeParse(v.object({ labelNames: v.array(v.string()) }), metric);
      if (metric instanceof Histogram) histograms.add(name);
      return [
        name,
        [...(labels.success ? labels.output.labelNames : []), ...(metric instanceof Histogram ? ["le"] : [])],
      ];
    }),
  );
});

/** What the gauges read at a scrape. */
function standInEdge(): Edge {
  const read = {
    stratum: { stats: () => ({ connections: 1, miners: 1, workers: 1 }) },
    follower: { topHeight: () => 1 },
    stall: { stalledMs: () => undefined },
    job: undefined,
    desk: { stats: () => undefined },
    submitter: { stats: () => ({ pending: 0 }) },
  };
  return read as unknown as Edge;
}

const dashboardSchema = v.object({
  panels: v.array(
    v.object({
      id: v.number(),
      title: v.string(),
      targets: v.pipe(v.array(v.object({ expr: v.string() })), v.minLength(1)),
      gridPos: v.object({ x: v.number(), y: v.number(), w: v.number(), h: v.number() }),
    }),
  ),
});
const { panels } = v.parse(dashboardSchema, JSON.parse(read("infra/monitoring/grafana.json")));
/** Each rule by its name. */
const rules = new Map(
  read("infra/monitoring/alerts.yml")
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((rule) => {
      const [, quote = "", expr = ""] = /^ {8}expr: (["'])(.*)\1$/m.exec(rule) ?? [];
      return [/^\w+/.exec(rule)?.[0] ?? "", { expr: quote === "" ? "" : expr, rule }] as const;
    }),
);
const expressions = [
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...[...rules.values()].map(({ expr }) => expr),
];
const namesIn = (text: string): string[] =>
  (text.match(/\b(?:prosper|nodejs|process)_\w+/g) ?? []).map((name) => {
    const of = name.replace(/_(?:bucket|count|sum)$/, "");
    return histograms.has(of) ? of : name;
  });

describe("every metric of the dashboard and of the rules", () => {
  it("is one that a pool exports, with the labels that it has", () => {
    expect(expressions.length).toBeGreaterThan(30);
    for (const expr of expressions) {
      const named = namesIn(expr);
      for (const name of named) expect(exported.has(name), `${name} in ${expr}`).toBe(true);
      for (const [, labels = ""] of expr.matchAll(/by \(([^)]*)\)/g))
        for (const label of labels.split(/,\s*/).filter((each) => each !== "instance"))
          expect(
            named.flatMap((name) => exported.get(name) ?? []),
            expr,
          ).toContain(label);
    }
  });
});

function kindOf(name: string): string {
  if (histograms.has(name)) return "histogram";
  return name.endsWith("_total") ? "counter" : "gauge";
}

describe("every exported metric of the pool", () => {
  it("is documented with its kind, and nothing else is", () => {
    const page = read("docs/metrics.md");
    const documented = [...page.matchAll(/^\| `(prosper_\w+)` \| (counter|gauge|histogram) \|/gm)].map(
      ([, name = ""]) => name,
    );

    expect(documented.toSorted((a, b) => a.localeCompare(b))).toEqual(
      [...exported.keys()]
        .filter((name) => name.startsWith("prosper_"))
        .toSorted((a, b) => a.localeCompare(b)),
    );
    for (const name of documented) expect(page).toContain(`| \`${name}\` | ${kindOf(name)} |`);
  });

  it("is seen on the dashboard", () => {
    const seen = new Set(panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr))));
    expect([...exported.keys()].filter((name) => name.startsWith("prosper_") && !seen.has(name))).toEqual([]);
  });
});

describe("the dashboard", () => {
  it("has panels of different ids that lie beside each other", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [i, { gridPos: a }] of panels.entries())
      for (const { gridPos: b } of panels.slice(i + 1))
        expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h).toBe(false);
  });
});

describe("the alert rules", () => {
  it("say each how bad it is, what it is and what mends it, and have each a test on which they ring", () => {
    const tests = read("infra/monitoring/alerts.test.yml");
    expect(rules.size).toBeGreaterThan(15);
    for (const [name, { rule, expr }] of rules) {
      expect(rule, name).toMatch(/severity: (?:critical|warning)\n/);
      expect(rule, name).toMatch(/summary: ".{10,}"\n\s+mend: ".{10,}"/);
      expect(expr, name).not.toBe("");
      expect(tests).toContain(`- name: ${name}\n`);
    }
  });

  const promtool = "/usr/bin/promtool";
  const run = (folder: string): string =>
    execFileSync(promtool, ["test", "rules", join(folder, "alerts.test.yml")], {
      encoding: "utf8",
      stdio: "pipe",
    });
  const isThere = (() => {
    try {
      execFileSync(promtool, ["--version"], { stdio: "ignore" });
      return true;
    } catch {
      process.stdout.write("\nNOT RUN: the alert rules by promtool: it needs Debian's package prometheus\n");
      return false;
    }
  })();
  const folder = mkdtempSync(join(tmpdir(), "prosper-alerts-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.skipIf(!isThere)("pass promtool's own tests, and fail them where a rule is another", () => {
    expect(run(FOLDER)).toContain("SUCCESS");

    const [good = "", tests = ""] = ["alerts.yml", "alerts.test.yml"].map((name) =>
      readFileSync(join(FOLDER, name), "utf8"),
    );
    const [head, ...cases] = tests.split(/^(?= {2}- name: )/m);
    const own = cases.filter((each) => each.startsWith("  - name: JournalLarge\n"));
    writeFileSync(join(folder, "alerts.test.yml"), [head, ...own].join(""));
    writeFileSync(join(folder, "alerts.yml"), good.replace("journal_bytes > 1e9", "journal_bytes > 1e12"));
    expect(() => run(folder)).toThrow(/JournalLarge/);
  });
});
