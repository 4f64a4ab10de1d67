import { describe, expect, test } from "vitest";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import type { Payload } from "#protocol/payload.ts";
import { aMessageContent } from "#peer/entry.contract.ts";
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
  content: aMessageContent(M, payload),
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

  test("[K11] lifts what every kind of message may carry, each file with the place it opens in", () => {
    const file = {
      attachment_id: "01900000-0000-7000-8000-0000000000f1",
      file_key: "AA==",
      cipher: "parley-file-v1" as const,
      size: 1,
      sha256: "00",
      mime: "text/plain",
      filename: "a.txt",
    };
    const reply_to = { message_id: M, sender_id: ALICE, preview_text: "hi" };
    const message = messageOf(
      anEntry({ type: "text", text: "", mention_all: true, reply_to, attachments: [file] }),
      around,
    );

    expect(message).toMatchObject({
      mention_all: true,
      reply_to,
      attachments: [{ ...file, conversation_id: C }],
    });
    expect("mentions" in message).toBe(false);
  });

  test("[K11] says of a group who is in it and since when, and of the writer what they are", () => {
    const members = new Map([[ALICE, {}]]);
    const ledger = { type: "group", conversationId: C, seq: 4, members } as unknown;
    const entry = { ...anEntry({ type: "text", text: "hi" }), authorKind: "agent" } as const;
    const message = messageOf(entry, { ...around, ledger: ledger as ConversationState });

    expect(message).toMatchObject({
      conversation_type: "group",
      sender_type: "agent",
      group_metadata: { group_id: C, group_key_version: 4, members: [ALICE] },
    });
    expect("group_metadata" in messageOf(entry, around)).toBe(false);
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
  test("[K11] shows a group's profile as who leads it set it, its picture with the place it opens in", () => {
    const avatar = {
      attachment_id: "01900000-0000-7000-8000-0000000000f1",
      file_key: "AA==",
      cipher: "parley-file-v1" as const,
      size: 1,
      sha256: "00",
      mime: "image/png",
      filename: "a.png",
    };
    const entry = anEntry({ type: "profile", name: "Tea", avatar });
    const byLead = { ...entry, content: { ...entry.content, isByLead: true } };

    expect(eventOf(byLead)).toMatchObject({
      type: "group.profile",
      message_id: M,
      name: "Tea",
      description: null,
      avatar: { ...avatar, conversation_id: C },
    });
    expect(eventOf(entry)).toBeNull();
  });

  test("[K11] tells relations, recalls and reactions, and nothing of machinery", () => {
    const reaction = { type: "reaction", message_id: M, emoji: "👍" } as const;
    const entry = anEntry({ ...reaction, op: "add" });
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
    expect(eventOf(anEntry({ ...reaction, op: "remove" }))).toMatchObject({ op: "remove" });
    for (const status of ["suspended", "restored", "revoked"] as const)
      expect(eventOf({ ...entry, content: { kind: "relation", status, facts } })).toMatchObject({
        type: `relation.${status}`,
      });
    expect(
      eventOf({ ...entry, content: { kind: "recalled", messageId: M, by: "server" } }),
    ).toMatchObject({ by: "server" });
    expect(eventOf(anEntry({ type: "text", text: "no event" }))).toBeNull();
  });
});
