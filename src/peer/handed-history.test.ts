import { expect, test } from "vitest";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import { startDraft } from "./draft.ts";
import type { Entry } from "./endpoint.ts";
import { encodeEntry, parseEntry } from "./entry.ts";
import { draftHistory } from "./handed-history.ts";
import { createMemoryStore } from "./memory-store.ts";
import { createSeenMessages } from "./seen-messages.ts";
import { aMessageContent } from "./entry.contract.ts";

const conversationId = "00000000-0000-7000-8000-0000000000c1" as ConversationId;
const idOf = (seq: number) => `00000000-0000-7000-8000-00000000000${seq}` as MessageId;
const entry = (seq: number, content: Entry["content"]): Entry => ({
  conversationId,
  seq,
  at: seq,
  authorId: "00000000-0000-7000-8000-0000000000a1" as AccountId,
  authorKind: "human",
  authorDeviceId: null,
  content,
});
const said = (seq: number, text: string): Entry =>
  entry(seq, aMessageContent(idOf(seq), { type: "text", text }));

test("[E82] handed messages stand where there are none, and replace neither what was read here nor what was taken back", async () => {
  const store = createMemoryStore();
  const seen = createSeenMessages({ store, isKept: true });
  const held = [
    entry(1, { kind: "unreadable", messageId: idOf(1), failure: "before-device" }),
    said(2, "read here"),
    entry(3, { kind: "recalled", messageId: idOf(3), by: "author" }),
    entry(4, { kind: "unreadable", messageId: idOf(9), failure: "tag" }),
  ];
  const draft = startDraft();
  for (const one of held)
    if ("messageId" in one.content) seen.add(conversationId, one.content.messageId, one.seq, draft);
  // One that stands at another place here.
  seen.add(conversationId, idOf(6), 9, draft);
  const log = held.map((one) => ({ conversationId, seq: one.seq, row: encodeEntry(one) }));
  await store.commit({ puts: draft.puts, log });
  const handed = [1, 2, 3, 4, 5, 6].map((seq) => said(seq, `handed ${seq}`));

  const { log: rows, puts } = await draftHistory({ store, seen }, conversationId, handed);

  expect(rows.map(({ row }) => parseEntry(row)?.seq)).toEqual([1, 5]);
  await store.commit({ log: rows, puts });
  // The relay's own row for it comes later, and is a repeat then.
  expect(await seen.has(conversationId, idOf(5), startDraft())).toBe(true);
  const again = await draftHistory({ store, seen }, conversationId, handed);
  expect(again.log).toEqual([]);
});

test("[E82] what is no message, or another conversation's, is not kept", async () => {
  const store = createMemoryStore();
  const seen = createSeenMessages({ store, isKept: true });
  const elsewhere = "00000000-0000-7000-8000-0000000000c2" as ConversationId;

  const { log } = await draftHistory({ store, seen }, conversationId, [
    { ...said(1, "elsewhere"), conversationId: elsewhere },
    entry(2, { kind: "relation", status: "revoked", facts: {} }),
  ]);

  expect(log).toEqual([]);
});
