import { expect, test } from "vitest";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import { startDraft } from "./draft.ts";
import type { Entry } from "./endpoint.ts";
import { encodeEntry } from "./entry.ts";
import { createMemoryStore } from "./memory-store.ts";
import { createSeenMessages } from "./seen-messages.ts";

const conversationId = "00000000-0000-7000-8000-0000000000c1" as ConversationId;
const idOf = (seq: number) =>
  `00000000-0000-7000-8000-${String(seq).padStart(12, "0")}` as MessageId;
const entry = (seq: number, content: Entry["content"]): Entry => ({
  conversationId,
  seq,
  at: seq,
  authorId: "00000000-0000-7000-8000-0000000000a1" as AccountId,
  authorKind: "human",
  authorDeviceId: null,
  content,
});
const recalled = (seq: number) =>
  entry(seq, { kind: "recalled", messageId: idOf(seq), by: "author" });

/** A store whose log holds so many entries, and then is reset. */
async function afterReset(entries: readonly Entry[]) {
  const store = createMemoryStore();
  const seen = createSeenMessages({ store, isKept: true });
  // Asked before there is any.
  await seen.salvaged(conversationId, idOf(1), startDraft());
  await store.commit({
    log: entries.map((one) => ({ conversationId, seq: one.seq, row: encodeEntry(one) })),
  });
  await store.commit(await seen.salvage(conversationId));
  return { store, seen };
}

test("[E45] a long log is salvaged to its end, and leaves its old places", async () => {
  const all = Array.from({ length: 1_001 }, (_, at) => recalled(at + 1));

  const { store, seen } = await afterReset(all);

  expect(await store.list("salvage")).toHaveLength(1_001);
  expect(await seen.salvaged(conversationId, idOf(1_001), startDraft())).toEqual(all.at(-1));
  expect(await store.logAfter(conversationId, 0, 10)).toEqual([]);
});

test("[E45] what could not be opened is asked of the new log", async () => {
  const closed = entry(2, { kind: "unreadable", messageId: idOf(2), failure: "tag" });

  const { seen } = await afterReset([recalled(1), closed]);

  expect(await seen.salvaged(conversationId, idOf(1), startDraft())).toEqual(recalled(1));
  expect(await seen.salvaged(conversationId, idOf(2), startDraft())).toBeNull();
});
