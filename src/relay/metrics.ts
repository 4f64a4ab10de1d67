/**
 * What the relay counts, as one table, and its Prometheus text. No label ever holds an id, a handle or an address:
 * each has few values, all of them ours. SPEC P288.
 */

type Kind = "counter" | "gauge" | "histogram";

const spec = <const Of extends Kind, const Label extends string = never>(
  kind: Of,
  help: string,
  labels: readonly Label[] = [],
) => ({ kind, help, labels });

/** Every metric by its name behind `parley_relay_`. */
export const METRICS = {
  connections: spec("gauge", "Open sockets that have signed in.", ["kind"]),
  closes_total: spec("counter", "Sockets that ended, by close code.", ["code"]),
  auth_failures_total: spec("counter", "Refused sign-ins of sockets.", ["reason"]),
  frames_total: spec("counter", "Frames in and out.", ["direction", "type"]),
  unknown_frames_total: spec("counter", "Frames of a type nobody knows here."),
  appends_total: spec("counter", "Entries that came to stand in a log.", ["entry"]),
  append_seconds: spec("histogram", "From taking a frame to its being on disk."),
  delivery_lag_seconds: spec("histogram", "From storing an entry to handing it to a socket."),
  unacked: spec("gauge", "Entries pushed and not acknowledged.", ["kind"]),
  resumes_total: spec("counter", "Sockets that said where they are.", ["status"]),
  evictions_total: spec("counter", "Sockets that made room for a newer one."),
  streams_active: spec("gauge", "Live streams."),
  stream_ends_total: spec("counter", "Streams that ended, by how.", ["reason"]),
  webhook_attempts_total: spec("counter", "Deliveries to webhooks.", ["result"]),
  webhook_seconds: spec("histogram", "How long a webhook took to answer."),
  push_total: spec("counter", "Notifications handed to push services.", ["result"]),
  rate_limited_total: spec("counter", "Requests and frames that came too often.", ["rule"]),
  http_requests_total: spec("counter", "Answered requests.", ["route", "status"]),
  http_seconds: spec("histogram", "How long an answer took.", ["route"]),
  log_bytes: spec("gauge", "Bytes of the database."),
  blob_bytes: spec("gauge", "Bytes of confirmed files."),
  bus_up: spec("gauge", "1: other nodes hear this one at once. 0: they find out by looking."),
  bus_messages_total: spec("counter", "Messages between nodes, by what became of them.", [
    "direction",
  ]),
  quarantined: spec("gauge", "Conversations whose entries cannot be read any more."),
  storage_state: spec("gauge", "0: appends. 1: cannot write. 2: full."),
  build_info: spec("gauge", "1, with the version.", ["version"]),
} as const;

type Table = typeof METRICS;
export type MetricName = keyof Table;
type NameOf<Wanted extends Kind> = {
  [Name in MetricName]: Table[Name]["kind"] extends Wanted ? Name : never;
}[MetricName];
type LabelsOf<Name extends MetricName> = Readonly<
  Record<Table[Name]["labels"][number], string | number>
>;
type Labelled<Name extends MetricName> = [Table[Name]["labels"][number]] extends [never]
  ? []
  : [labels: LabelsOf<Name>];

export interface Metrics {
  count<Name extends NameOf<"counter">>(name: Name, ...labels: Labelled<Name>): void;
  /** A duration in seconds. */
  observe<Name extends NameOf<"histogram">>(
    name: Name,
    seconds: number,
    ...labels: Labelled<Name>
  ): void;
  set<Name extends NameOf<"gauge">>(name: Name, value: number, ...labels: Labelled<Name>): void;
  /** Prometheus text format 0.0.4. */
  text(): string;
}

/** Upper bounds in seconds: from one commit to a stuck disk. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

type Histogram = { readonly counts: number[]; sum: number; count: number };

export function createMetrics(): Metrics {
  const valueBySeries = new Map<MetricName, Map<string, number>>();
  const histogramBySeries = new Map<MetricName, Map<string, Histogram>>();
  const add = (name: MetricName, labels: Labels | undefined, change: (old: number) => number) => {
    const series = seriesOf(valueBySeries, name);
    const key = spell(labels);
    series.set(key, change(series.get(key) ?? 0));
  };
  return {
    count: (name, ...[labels]) => add(name, labels, (old) => old + 1),
    set: (name, value, ...[labels]) => add(name, labels, () => value),
    observe(name, seconds, ...[labels]) {
      const series = seriesOf(histogramBySeries, name);
      const key = spell(labels);
      const histogram = series.get(key) ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
      series.set(key, histogram);
      histogram.sum += seconds;
      histogram.count += 1;
      for (const [i, bound] of BUCKETS.entries())
        if (seconds <= bound) histogram.counts[i] = (histogram.counts[i] ?? 0) + 1;
    },
    text: () =>
      Object.entries(METRICS)
        .flatMap(([name, { kind, help, labels }]) => {
          const values = valueBySeries.get(name as MetricName);
          const histograms = histogramBySeries.get(name as MetricName);
          const full = `parley_relay_${name}`;
          // A series without labels exists from the start, so that a rate over it can be asked for.
          const bare = labels.length === 0 && kind !== "histogram" ? new Map([["", 0]]) : [];
          return [
            `# HELP ${full} ${help}`,
            `# TYPE ${full} ${kind}`,
            ...[...(values ?? bare)].map(([key, value]) => `${full}${braced(key)} ${value}`),
            ...[...(histograms ?? [])].flatMap(([key, histogram]) =>
              histogramLines(full, key, histogram),
            ),
          ];
        })
        .join("\n") + "\n",
  };
}

/** Milliseconds of a clock as the seconds Prometheus wants. */
export const secondsSince = (now: number, startedAt: number): number =>
  Math.max(0, now - startedAt) / 1_000;

type Labels = Readonly<Record<string, string | number>>;

function seriesOf<Value>(
  table: Map<MetricName, Map<string, Value>>,
  name: MetricName,
): Map<string, Value> {
  const series = table.get(name) ?? new Map<string, Value>();
  table.set(name, series);
  return series;
}

function histogramLines(name: string, key: string, histogram: Histogram): readonly string[] {
  const bucket = (bound: string | number, count: number): string =>
    `${name}_bucket${braced([key, `le="${bound}"`].filter((part) => part !== "").join(","))} ${count}`;
  return [
    ...BUCKETS.map((bound, i) => bucket(bound, histogram.counts[i] ?? 0)),
    bucket("+Inf", histogram.count),
    `${name}_sum${braced(key)} ${histogram.sum}`,
    `${name}_count${braced(key)} ${histogram.count}`,
  ];
}

// Called for every frame: no arrays on the way.
function spell(labels: Labels = {}): string {
  let key = "";
  for (const name in labels)
    key += `${key === "" ? "" : ","}${name}="${escaped(String(labels[name]))}"`;
  return key;
}

const PLAIN = /^[\w.]*$/;

const braced = (key: string): string => (key === "" ? "" : `{${key}}`);

const escaped = (text: string): string =>
  PLAIN.test(text)
    ? text
    : text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
