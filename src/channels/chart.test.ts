import { expect, test } from "vitest";
import { parseChart } from "./chart.ts";

test.each([
  [{ type: "bar", x: ["a", "b"], y: [1, 2] }, ["a", "b"], [[1, 2]]],
  [{ type: "pie", labels: ["a"], values: [3] }, ["a"], [[3]]],
  [
    { chart: { type: "line", categories: ["q"], series: [{ name: "n", data: [4] }] } },
    ["q"],
    [[4]],
  ],
  [{ type: "bar", data: { labels: ["a"], datasets: [{ label: "n", data: [5] }] } }, ["a"], [[5]]],
  [{ xAxis: { data: ["m"] }, series: [{ type: "line", data: [6] }] }, ["m"], [[6]]],
  [{ type: "column", data: [{ name: "a", value: 7 }] }, ["a"], [[7]]],
])("[A30] a chart is read in the shapes tools give it: %j", (extra, labels, values) => {
  const chart = parseChart(extra);

  expect(chart?.labels).toEqual(labels);
  expect(chart?.series.map((one) => one.values)).toEqual(values);
});

test.each([
  null,
  "bar",
  { type: "bar" },
  { type: "bar", x: ["a"], y: ["not a number"] },
  { type: "unheard-of", x: ["a"], y: [1] },
  { type: "bar", y: Array.from({ length: 3_000 }, () => 1) },
])("[A30] what is no chart stays JSON: %j", (extra) => {
  expect(parseChart(extra)).toBeNull();
});
