/** The five measures an agent exports, kept in memory and read by {@link Metrics.samples} or as Prometheus text. */
export type Sample = {
  readonly name: MetricName;
  readonly kind: "gauge" | "counter" | "histogram";
  readonly labels: Readonly<Record<string, string>>;
  /** Gauge and counter: the value. Histogram: the sum. */
  readonly value: number;
  /** Histogram only: how many observations were at most `upTo`. */
  readonly buckets?: readonly { readonly upTo: number; readonly count: number }[];
  readonly count?: number;
};

export type MetricName =
  | "hashee.connection.status"
  | "hashee.message.inbound.total"
  | "hashee.message.outbound.total"
  | "hashee.decrypt.failure.total"
  | "hashee.send.duration_ms";

/** A reading of the measures. */
export interface Metrics {
  readonly samples: readonly Sample[];
  /** Text a Prometheus server scrapes. */
  toPrometheus(): string;
}

export interface MetricsRecorder {
  connected(isConnected: boolean): void;
  inbound(conversationType: string, payloadType: string): void;
  outbound(conversationType: string, payloadType: string): void;
  decryptFailed(reason: string): void;
  sent(conversationType: string, durationMs: number): void;
  read(): Metrics;
}

/** Upper bounds of the send histogram in ms: a local relay answers in the first, a slow network in the last. */
const SEND_BUCKETS_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/** Creates an empty recorder. */
export function createMetricsRecorder(): MetricsRecorder {
  let isConnected = false;
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();

  const count = (name: MetricName, labels: Readonly<Record<string, string>>): void => {
    const key = `${name} ${Object.values(labels).join(" ")}`;
    const counter = counters.get(key) ?? { name, labels, value: 0 };
    counter.value += 1;
    counters.set(key, counter);
  };

  return {
    connected(now) {
      isConnected = now;
    },
    inbound: (conv_type, payload_type) =>
      count("hashee.message.inbound.total", { conv_type, payload_type }),
    outbound: (conv_type, payload_type) =>
      count("hashee.message.outbound.total", { conv_type, payload_type }),
    decryptFailed: (reason) => count("hashee.decrypt.failure.total", { reason }),
    sent(conversationType, durationMs) {
      const histogram = histograms.get(conversationType) ?? {
        sum: 0,
        count: 0,
        perBucket: SEND_BUCKETS_MS.map(() => 0),
      };
      histogram.sum += durationMs;
      histogram.count += 1;
      SEND_BUCKETS_MS.forEach((upTo, i) => {
        if (durationMs <= upTo) histogram.perBucket[i] = (histogram.perBucket[i] ?? 0) + 1;
      });
      histograms.set(conversationType, histogram);
    },
    read: () => makeMetrics(isConnected, [...counters.values()], histograms),
  };
}

type Counter = {
  readonly name: MetricName;
  readonly labels: Readonly<Record<string, string>>;
  value: number;
};
type Histogram = { sum: number; count: number; perBucket: number[] };

function makeMetrics(
  isConnected: boolean,
  counters: readonly Counter[],
  histograms: ReadonlyMap<string, Histogram>,
): Metrics {
  const samples: readonly Sample[] = [
    { name: "hashee.connection.status", kind: "gauge", labels: {}, value: isConnected ? 1 : 0 },
    ...counters.map((counter) => ({ ...counter, kind: "counter" as const })),
    ...[...histograms].map(([conv_type, { sum, count, perBucket }]) => ({
      name: "hashee.send.duration_ms" as const,
      kind: "histogram" as const,
      labels: { conv_type },
      value: sum,
      count,
      buckets: SEND_BUCKETS_MS.map((upTo, i) => ({ upTo, count: perBucket[i] ?? 0 })),
    })),
  ];
  return { samples, toPrometheus: () => samplesToPrometheus(samples) };
}

function samplesToPrometheus(samples: readonly Sample[]): string {
  const lines: string[] = [];
  const announced = new Set<string>();
  for (const sample of [...samples].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = sample.name.replaceAll(".", "_");
    if (!announced.has(name)) lines.push(`# TYPE ${name} ${sample.kind}`);
    announced.add(name);
    if (sample.kind !== "histogram") {
      lines.push(`${name}${labelsToText(sample.labels)} ${sample.value}`);
      continue;
    }
    for (const { upTo, count } of sample.buckets ?? [])
      lines.push(`${name}_bucket${labelsToText({ ...sample.labels, le: String(upTo) })} ${count}`);
    lines.push(`${name}_bucket${labelsToText({ ...sample.labels, le: "+Inf" })} ${sample.count}`);
    lines.push(`${name}_sum${labelsToText(sample.labels)} ${sample.value}`);
    lines.push(`${name}_count${labelsToText(sample.labels)} ${sample.count}`);
  }
  return `${lines.join("\n")}\n`;
}

function labelsToText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${value.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
