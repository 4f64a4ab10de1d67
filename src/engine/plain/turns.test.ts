import { expect, test } from "vitest";
import type { ChannelEvent, ChannelFact, TurnId } from "#peer/channel.ts";
import { emptyChannelView, reduceChannelView } from "./turns.ts";

const turnId = "a" as TurnId;
const fold = (facts: readonly ChannelFact[], from = emptyChannelView) =>
  facts.reduce((view, fact, at) => reduceChannelView(view, { ...fact, at } as ChannelEvent), from);
const begun: ChannelFact = { type: "turn-started", turnId, trigger: "message" };
const piece = (offset: number, text: string, isLossy = false): ChannelFact => ({
  type: "text",
  turnId,
  offset,
  text,
  isLossy,
});

test("[A41] events that come again change nothing: parts have keys, text has offsets", () => {
  const facts: readonly ChannelFact[] = [
    begun,
    { type: "reasoning", turnId, partId: "r", offset: 0, text: "hm" },
    { type: "tool-call", turnId, callId: "c", name: "get", args: {}, isInternal: false },
    piece(0, "he"),
    piece(2, "llo"),
  ];
  const once = fold(facts);
  const twice = fold(facts, once);

  expect(once.turns[0]).toMatchObject({ text: "hello", textState: "streaming" });
  expect(once.turns[0]?.parts).toHaveLength(2);
  expect(twice.turns[0]?.parts).toEqual(once.turns[0]?.parts);
  expect(twice.turns[0]?.text).toBe("hello");
});

test("[A42] the whole answer replaces lossy pieces, and no later piece replaces it", () => {
  const answer: ChannelFact = { type: "answer", turnId, text: "the whole" };
  const before = fold([begun, piece(0, "th wh", true)]);
  const after = fold([answer, piece(0, "late", true)], before);

  expect(before.turns[0]).toMatchObject({ text: "th wh", textState: "lossy" });
  expect(after.turns[0]).toMatchObject({ text: "the whole", textState: "whole" });
});

test("[A43] a tool without a result is closed as unknown when its turn ends; a failure stays one", () => {
  const call = (callId: string): ChannelFact => ({
    type: "tool-call",
    turnId,
    callId,
    name: "get",
    args: null,
    isInternal: false,
  });
  const result = (outcome: "ok" | "failed", error: string): ChannelFact => ({
    type: "tool-result",
    turnId,
    callId: "c",
    outcome,
    text: "later words",
    error,
    extra: null,
    chart: null,
  });
  const view = fold([
    begun,
    call("c"),
    call("d"),
    result("failed", "broke"),
    result("ok", ""),
    { type: "turn-ended", turnId, outcome: "done" },
  ]);

  expect(view.turns[0]?.parts).toMatchObject([
    { status: "failed", error: "broke", text: "later words" },
    { status: "unknown" },
  ]);
});

test("[A44] unreadable frames are one note whose count grows", () => {
  const garbage = (count: number, of: TurnId | null = turnId): ChannelFact => ({
    type: "notice",
    turnId: of,
    notice: { kind: "unreadable-frames", count },
  });
  const view = fold([
    begun,
    garbage(1),
    garbage(2),
    garbage(3),
    garbage(4, null),
    garbage(5, null),
  ]);

  expect(view.turns[0]?.parts).toMatchObject([{ note: { params: { count: 3 } } }]);
  expect(view.notes).toMatchObject([{ note: { params: { count: 5 } } }]);
});
