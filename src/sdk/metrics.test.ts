import { describe, expect, test } from "vitest";
import { createMetricsRecorder } from "./metrics.ts";

describe("metrics", () => {
  test("[K8] count what came in, went out and could not be opened, by their labels", () => {
    const recorder = createMetricsRecorder();
    recorder.connected(true);
    recorder.inbound("h2a", "text");
    recorder.inbound("h2a", "text");
    recorder.inbound("group", "image");
    recorder.outbound("h2a", "text");
    recorder.decryptFailed("tag");

    expect(recorder.read().samples).toEqual([
      { name: "hashee.connection.status", kind: "gauge", labels: {}, value: 1 },
      {
        name: "hashee.message.inbound.total",
        kind: "counter",
        labels: { conv_type: "h2a", payload_type: "text" },
        value: 2,
      },
      {
        name: "hashee.message.inbound.total",
        kind: "counter",
        labels: { conv_type: "group", payload_type: "image" },
        value: 1,
      },
      {
        name: "hashee.message.outbound.total",
        kind: "counter",
        labels: { conv_type: "h2a", payload_type: "text" },
        value: 1,
      },
      {
        name: "hashee.decrypt.failure.total",
        kind: "counter",
        labels: { reason: "tag" },
        value: 1,
      },
    ]);
  });

  test("[K8] are Prometheus text with underscores for dots", () => {
    const recorder = createMetricsRecorder();
    recorder.inbound("h2a", "text");
    recorder.sent("h2a", 50);
    recorder.sent("h2a", 20_000);

    const lines = recorder.read().toPrometheus().split("\n");

    expect(lines).toContain("# TYPE hashee_send_duration_ms histogram");
    expect(lines).toContain('hashee_message_inbound_total{conv_type="h2a",payload_type="text"} 1');
    expect(lines).toContain('hashee_send_duration_ms_bucket{conv_type="h2a",le="25"} 0');
    expect(lines).toContain('hashee_send_duration_ms_bucket{conv_type="h2a",le="50"} 1');
    expect(lines).toContain('hashee_send_duration_ms_bucket{conv_type="h2a",le="+Inf"} 2');
    expect(lines).toContain('hashee_send_duration_ms_sum{conv_type="h2a"} 20050');
    expect(lines).toContain('hashee_send_duration_ms_count{conv_type="h2a"} 2');
    expect(lines).toContain("hashee_connection_status 0");
  });
});
