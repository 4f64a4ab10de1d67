import { describe, expect, test } from "vitest";
import { isFor } from "./is-for.ts";

const ME = "01900000-0000-7000-8000-0000000000b1";
const inGroup = { conversation_type: "group", sender_type: "human" } as const;

describe("what an agent answers", () => {
  test("[K29] everything a person says in a conversation of two", () => {
    expect(isFor(ME, { conversation_type: "h2a", sender_type: "human" })).toBe(true);
  });

  test("[K29] in a group only what names it, names all or answers it", () => {
    expect(isFor(ME, inGroup)).toBe(false);
    const other = "01900000-0000-7000-8000-0000000000b2";
    expect(isFor(ME, { ...inGroup, mentions: [other] })).toBe(false);
    expect(
      isFor(ME, { ...inGroup, reply_to: { message_id: "m", sender_id: other, preview_text: "" } }),
    ).toBe(false);
    expect(isFor(ME, { ...inGroup, mentions: [ME] })).toBe(true);
    expect(isFor(ME, { ...inGroup, mention_all: true })).toBe(true);
    expect(
      isFor(ME, { ...inGroup, reply_to: { message_id: "m", sender_id: ME, preview_text: "" } }),
    ).toBe(true);
  });

  test("[K29] never another agent, not even one that names it", () => {
    expect(isFor(ME, { ...inGroup, sender_type: "agent", mentions: [ME] })).toBe(false);
  });
});
