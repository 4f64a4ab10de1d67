import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createMemoryDedupeStore, type DedupeStore } from "../local/dedupe-store.ts";
import { createMetricsRecorder } from "../metrics.ts";
import { createErrorBoard } from "./error-board.ts";
import { createLineWatch } from "./line-watch.ts";

function aWatch(reach: DedupeStore["reach"], asGuest = false, sharers?: () => number) {
  const lines: string[] = [];
  const clock = createFakeClock();
  const errors = createErrorBoard(clock, () => {});
  const heard: string[] = [];
  errors.add(({ code }) => heard.push(code));
  const watch = createLineWatch({
    clock,
    errors,
    metrics: createMetricsRecorder(),
    dedupe: { ...createMemoryDedupeStore(), reach, ...(sharers && { sharers }) },
    asGuest,
    print: (line) => lines.push(line),
  });
  const online = (connections: number) =>
    watch.tell({ status: "online", connectionId: "c", connections });
  return { watch, lines, online, heard };
}

test.each(["memory", "local"] as const)(
  "[K34] beside other processes, claims of reach “%s” are warned of once and are not called exactly once",
  (reach) => {
    const { watch, lines, online } = aWatch(reach);

    online(1);
    const alone = watch.isExactlyOnce();
    expect(lines).toEqual([]);
    online(3);
    online(2);

    expect(alone).toBe(reach === "local");
    expect(watch.isExactlyOnce()).toBe(false);
    expect(lines).toEqual([expect.stringContaining("without a shared dedupe store")]);
  },
);

test("[K34] processes of one host that share their file are not warned of; one that does not share it is", () => {
  let sharers = 1;
  const { watch, lines, online } = aWatch("local", false, () => sharers);

  sharers = 2;
  online(2);
  const together = watch.isExactlyOnce();
  expect(lines).toEqual([]);
  online(3);

  expect([together, watch.isExactlyOnce()]).toEqual([true, false]);
  expect(lines).toHaveLength(1);
});

test("[K34] with a store that all processes share nothing is warned of, and once is once", () => {
  const { watch, lines, online } = aWatch("shared");

  online(3);

  expect(watch.isExactlyOnce()).toBe(true);
  expect(lines).toEqual([]);
});

test("[K34] who only visits beside the agent's processes is not warned of them", () => {
  const { lines, online } = aWatch("memory", true);

  online(2);

  expect(lines).toEqual([]);
});

test("[K4] of the line's failures only those that no retry heals are told", () => {
  const { watch, heard } = aWatch("memory");
  const failure = { kind: "peer/offline" } as const;

  watch.hear({ type: "error", failure, fatal: false });
  const afterPassing = heard.length;
  watch.hear({ type: "error", failure, fatal: true });

  expect([afterPassing, heard.length]).toEqual([0, 1]);
});
