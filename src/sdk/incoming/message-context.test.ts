import { describe, expect, test } from "vitest";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import type { Payload } from "#protocol/payload.ts";
import { eventOf } from "./agent-event.ts";
import { messageOf, type MessageEntry } from "./message-context.ts";

const C = "01900000-0000-7000-8000-0000000000c1" as ConversationId;
const ALICE = "01900000-0000-7000-8000-0000000000a1" as AccountId;
const M = "01900000-0000-7000-8000-000000000001" as MessageId;

const anEntry = (payload: Payload): MessageEntry => ({
  conversationId: C,
  seq: 7,
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  authorId: ALICE,
  authorKind: "human",
  authorDeviceId: "01900000-0000-7000-8000-0000000000d1" as DeviceId,
  content: {
    kind: "message",
    messageId: M,
    payload,
    messageHash: "",
    plaintextHash: "",
    streamId: null,
    gap: false,
    suite: 2,
    mode: "session",
    reduced: false,
  },
});
const around = { ledger: null, displayName: "Alice", exactlyOnce: true, interrupted: false };

describe("the message object", () => {
  test("[K11] has the documented members", () => {
    const payload = { type: "text", text: "hi", mentions: [ALICE], hop_count: 2 } as const;

    expect(messageOf(anEntry({ ...payload, mentions: [ALICE] }), around)).toEqual({
      message_id: M,
      conversation_id: C,
      conversation_type: "h2a",
      sender_id: ALICE,
      sender_type: "human",
      sender_display_name: "Alice",
      payload,
      mentions: [ALICE],
      hop_count: 2,
      created_at: "2026-01-02T03:04:05.006Z",
      client_message_id: M,
      envelope_version: "parley-envelope-v1",
      conversation_seq: 7,
      exactly_once: true,
      verified_sender: true,
    });
  });

  test("[K11] keeps a payload of a later version and lifts nothing from it", () => {
    const unknown = {
      type: "unknown",
      original_type: "hologram",
      raw: { mentions: ["x"] },
    } as const;
    const message = messageOf(anEntry(unknown), { ...around, interrupted: true });

    expect(message.payload).toEqual(unknown);
    expect(message.mentions).toBeUndefined();
    expect(message.interrupted).toBe(true);
  });

  test("[K11] is a closed union, so that a check of the type narrows", () => {
    const message = messageOf(anEntry({ type: "text", text: "narrow" }), around);
    if (message.payload?.type !== "text") throw new Error("it is text");

    expect(message.payload.text.length).toBe(6);
  });
});

describe("the event object", () => {
  test("[K11] tells relations, recalls and reactions, and nothing of machinery", () => {
    const entry = anEntry({ type: "reaction", message_id: M, emoji: "👍", op: "add" });
    const facts = { user_id: ALICE, language: "zh-CN" };
    const relation = {
      ...entry,
      content: { kind: "relation", status: "established", facts },
    } as const;
    const recalled = {
      ...entry,
      content: { kind: "recalled", messageId: M, by: "author" },
    } as const;
    const placed = {
      conversation_id: C,
      conversation_seq: 7,
      created_at: "2026-01-02T03:04:05.006Z",
    };

    expect(eventOf(entry)).toEqual({
      ...placed,
      type: "reaction",
      sender_id: ALICE,
      message_id: M,
      emoji: "👍",
      op: "add",
    });
    expect(eventOf(relation)).toEqual({ ...placed, type: "relation.established", payload: facts });
    expect(eventOf(recalled)).toEqual({
      ...placed,
      type: "message.recalled",
      message_id: M,
      by: "author",
    });
    expect(eventOf(anEntry({ type: "text", text: "no event" }))).toBeNull();
  });
});
