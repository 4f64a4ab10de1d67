import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parser as promql } from "@prometheus-io/lezer-promql";
import { expect, onTestFinished, test } from "vitest";
import { METRICS } from "../../src/relay/metrics.ts";
import { canRun, read, readYaml, under } from "./read-deploy.ts";

type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
};
const dashboard = () =>
  JSON.parse(read("deploy/monitoring/grafana-dashboard.json")) as {
    readonly panels: readonly Panel[];
    readonly schemaVersion: number;
    readonly templating: { readonly list: readonly { readonly name: string }[] };
  };
const alerts = () =>
  under(readYaml("deploy/monitoring/alerts.yaml"), "rules").flat() as readonly {
    readonly alert: string;
    readonly expr: string;
    readonly labels: { readonly severity: string };
    readonly annotations: { readonly summary: string; readonly action: string };
  }[];
const expressions = (): readonly string[] => [
  ...dashboard().panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...alerts().map(({ expr }) => expr),
];

/** Texts of the nodes of these names; throws when the expression is none. */
function nodes(expr: string, ...wanted: readonly string[]): readonly string[] {
  const text = expr.replaceAll("$__rate_interval", "5m");
  const found: string[] = [];
  promql.parse(text).iterate({
    enter({ type, from, to }) {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${text}`);
      if (wanted.includes(type.name)) found.push(text.slice(from, to));
    },
  });
  return found;
}

test("every query is PromQL over metrics and labels that the relay has", () => {
  const series = new Set([
    "up",
    ...Object.entries(METRICS).flatMap(([name, { kind }]) =>
      (kind === "histogram" ? ["_bucket", "_sum", "_count"] : [""]).map(
        (end) => `parley_relay_${name}${end}`,
      ),
    ),
  ]);
  const labels = new Set<string>([
    "instance",
    "job",
    "le",
    ...Object.values(METRICS).flatMap((metric): readonly string[] => metric.labels),
  ]);

  expect(expressions().length).toBeGreaterThan(30);
  for (const expr of expressions()) {
    expect(
      nodes(expr, "Identifier").filter((name) => !series.has(name)),
      expr,
    ).toEqual([]);
    expect(
      nodes(expr, "LabelName").filter((name) => !labels.has(name)),
      expr,
    ).toEqual([]);
  }
});

test("the dashboard's panels have ids and places of their own, and a query each", () => {
  const { panels, schemaVersion, templating } = dashboard();
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  );

  expect(schemaVersion).toBeGreaterThanOrEqual(39);
  expect(templating.list.map(({ name }) => name)).toEqual(["source", "instance"]);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(new Set(cells).size).toBe(cells.length);
  expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  expect(
    panels.filter(({ type, targets = [] }) => (type === "row") !== (targets.length === 0)),
  ).toEqual([]);
});

test("every alert says how urgent it is and what to do, and points at a section that exists", () => {
  const guide = read("deploy/README.md");

  for (const { alert, labels, annotations } of alerts()) {
    expect(["page", "ticket"], alert).toContain(labels.severity);
    expect(annotations.summary, alert).toMatch(/\.$/);
    const [, section] = /See README, ([^.]+)\./.exec(annotations.action) ?? [];
    if (section !== undefined) expect(guide).toMatch(new RegExp(`^#+ ${section}$`, "m"));
  }
});

test.runIf(canRun("promtool"))("promtool accepts the rules and their tests", () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-rules-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync("deploy/monitoring", folder, { recursive: true });

  execFileSync("promtool", ["check", "rules", "alerts.yaml"], { cwd: folder });
  expect(
    execFileSync("promtool", ["test", "rules", "alerts.test.yaml"], { cwd: folder }).toString(),
  ).toContain("SUCCESS");
});
