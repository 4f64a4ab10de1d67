import { expect, test } from "vitest";
import { Lane } from "./inbox-lane.ts";

test("[E34] a passing endpoint that hears an old entry again waits for the rest", () => {
  const lane = new Lane(false);
  lane.range = { first: 1, cursor: 16 };
  lane.lastSeq = 20;
  lane.waiting.set(16, null);

  const cursor = lane.settleCursor();

  expect(cursor).toBe(16);
  expect(lane.isBehind()).toBe(false);
});

test("[E34] a passing endpoint goes on where the relay goes on", () => {
  const lane = new Lane(false);
  lane.range = { first: 1, cursor: 3 };
  lane.lastSeq = 9;
  lane.waiting.set(8, null);

  lane.skipToWaiting();

  expect(lane.range).toEqual({ first: 1, cursor: 7 });
  expect(lane.nextBatch()).toEqual([{ seq: 8, frame: null }]);
});

test("[E43] a keeping endpoint that knows of more than it has is behind", () => {
  const lane = new Lane(true);
  lane.range = { first: 1, cursor: 16 };
  lane.lastSeq = 20;

  expect(lane.isBehind()).toBe(true);
});
