/** Charts in a tool's extra JSON. The servers fix no shape, so the common ones are read and all else is left as JSON. */
import type { Chart, Json } from "#peer/channel.ts";
import { isJsonObject, textOf, type JsonObject } from "./json.ts";

/** More marks than this say nothing on a screen and cost much. */
const MAX_POINTS = 2_000;
const MAX_SERIES = 20;

/**
 * The chart in some JSON, or null.
 *
 * Shapes: `{type, x, y}`, `{type, labels|categories, values|data}`, `{type, labels|categories, series|datasets}`
 * (members `{name|label, data|values}`), `{type, data: {labels, datasets}}`, `{xAxis: {data}, series}`,
 * `{type, data: [{name|label|x, value|y}]}`.
 */
export function parseChart(extra: Json): Chart | null {
  if (!isJsonObject(extra)) return null;
  const nested = isJsonObject(extra["chart"]) ? parseChart(extra["chart"]) : null;
  if (nested !== null) return nested;
  const body = isJsonObject(extra["data"]) ? extra["data"] : extra;
  const listed = seriesList(body);
  const shape = shapeOf(extra["type"] ?? extra["chart_type"] ?? listed[0]?.["type"]);
  if (shape === null) return null;
  const read = pointsOf(body) ?? manySeries(body, listed) ?? oneSeries(body);
  if (read === null) return null;
  const { labels, series } = read;
  if (series.length === 0 || series.length > MAX_SERIES) return null;
  const width = Math.max(labels.length, ...series.map((one) => one.values.length));
  if (width === 0 || width > MAX_POINTS) return null;
  return { shape, title: titleOf(extra), labels: fill(labels, width), series };
}

type Read = { readonly labels: readonly string[]; readonly series: Chart["series"] };

const SHAPES: Readonly<Record<string, Chart["shape"]>> = {
  bar: "bar",
  column: "bar",
  histogram: "bar",
  line: "line",
  area: "line",
  pie: "pie",
  doughnut: "pie",
  donut: "pie",
  scatter: "scatter",
};

const shapeOf = (value: unknown): Chart["shape"] | null => {
  const name = textOf(value).toLowerCase();
  return Object.hasOwn(SHAPES, name) ? (SHAPES[name] ?? null) : null;
};

const titleOf = (chart: JsonObject): string =>
  isJsonObject(chart["title"]) ? textOf(chart["title"]["text"]) : textOf(chart["title"]);

const seriesList = (body: JsonObject): readonly JsonObject[] => {
  const list = body["series"] ?? body["datasets"];
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
};

function labelsIn(body: JsonObject): readonly string[] {
  const axis = Array.isArray(body["xAxis"]) ? body["xAxis"][0] : body["xAxis"];
  const list =
    body["labels"] ?? body["categories"] ?? body["x"] ?? (isJsonObject(axis) ? axis["data"] : null);
  return Array.isArray(list) ? list.map(String) : [];
}

/** `[{name, value}, …]`. */
function pointsOf(body: JsonObject): Read | null {
  const list = body["data"];
  if (!Array.isArray(list) || list.length === 0 || !list.every(isJsonObject)) return null;
  const values = numbersOf(list.map((point) => point["value"] ?? point["y"] ?? null));
  if (values === null) return null;
  const labels = list.map((point) => String(point["name"] ?? point["label"] ?? point["x"] ?? ""));
  return { labels, series: [{ name: "", values }] };
}

function manySeries(body: JsonObject, list: readonly JsonObject[]): Read | null {
  if (list.length === 0) return null;
  const series: { name: string; values: readonly number[] }[] = [];
  for (const one of list) {
    const inner = pointsOf(one);
    const values = inner?.series[0]?.values ?? numbersOf(one["data"] ?? one["values"]);
    if (values === null) return null;
    series.push({ name: textOf(one["name"] ?? one["label"]), values });
  }
  const labels = labelsIn(body);
  return { labels: labels.length > 0 ? labels : (pointsOf(list[0] ?? {})?.labels ?? []), series };
}

function oneSeries(body: JsonObject): Read | null {
  const values = numbersOf(body["y"] ?? body["values"] ?? body["data"]);
  return values === null ? null : { labels: labelsIn(body), series: [{ name: "", values }] };
}

function numbersOf(list: unknown): readonly number[] | null {
  if (!Array.isArray(list) || list.length === 0) return null;
  return list.every((item): item is number => typeof item === "number") ? list : null;
}

const fill = (labels: readonly string[], width: number): readonly string[] =>
  Array.from({ length: width }, (_, at) => labels[at] ?? String(at + 1));
