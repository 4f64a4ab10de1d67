/** What every LogStore must do, whatever it stands on. */
import { describe, expect, test } from "vitest";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import { hashOf } from "../ledger-head.ts";
import { aLedger, aLedgerEntry, anId } from "../relay-world.contract.ts";
import type { AppendRequest, LogStore, StoredEntry } from "./log-store.ts";

export function describeLogStore(name: string, make: () => Promise<LogStore>): void {
  const anAccount = () => {
    const id = anId<AccountId>();
    return { id, deviceId: id as string as DeviceId };
  };

  async function aConversation() {
    const log = await make();
    const ada = anAccount();
    const bob = anAccount();
    const conversationId = anId<ConversationId>();
    const member = { type: "human" as const, ownerId: null };
    await log.createConversation({
      now: 1_000,
      conversationId,
      type: "group",
      members: [
        { ...member, id: ada.id, role: "owner" },
        { ...member, id: bob.id, role: "member" },
      ],
      ledger: aLedger(1, conversationId, 2),
      entries: [],
    });
    return { log, ada, bob, conversationId };
  }

  const aRequest = (
    conversationId: ConversationId,
    sender: { id: AccountId; deviceId: DeviceId },
    change: Partial<AppendRequest["entry"]> = {},
  ): AppendRequest => ({
    now: 2_000,
    entry: {
      conversationId,
      kind: "message.new",
      messageId: anId<MessageId>(),
      senderId: sender.id,
      senderType: "human",
      senderDeviceId: sender.deviceId,
      meta: { content_type: "encrypted" },
      body: new Uint8Array([1, 2, 3]),
      sessionOpen: null,
      countsUnread: true,
      ...change,
    },
    artifact: null,
    stream: null,
  });

  const read = (log: LogStore, conversationId: ConversationId): Promise<readonly StoredEntry[]> =>
    log.page({ conversationId, after: 0, before: null, maxEntries: 100, maxBytes: 1_000_000 });

  describe(name, () => {
    test("[S13] numbers entries densely, told in order, each conversation by itself", async () => {
      const { log, ada, bob, conversationId } = await aConversation();
      const told: number[] = [];
      log.onAppended((entry) => void told.push(entry.seq));

      const appended = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          log.append(aRequest(conversationId, i % 2 ? ada : bob), null),
        ),
      );

      const expected = Array.from({ length: 100 }, (_, i) => i + 1);
      expect(appended.map((result) => result.ok && result.value.seq)).toEqual(expected);
      expect(told).toEqual(expected);
      expect((await read(log, conversationId)).map((entry) => entry.seq)).toEqual(expected);
    });

    test("gives back what was appended", async () => {
      const { log, ada, conversationId } = await aConversation();
      const sid = new Uint8Array(16).fill(1);
      const bytes = new Uint8Array([9, 9]);
      const request = aRequest(conversationId, ada, { sessionOpen: { sid, bytes } });

      await log.append(request, null);

      const [entry] = await read(log, conversationId);
      expect(entry).toEqual({
        ...request.entry,
        seq: 1,
        at: 2_000,
        recalledAt: null,
        sessionOpen: bytes,
      });
      expect(await log.sessionOpen(conversationId, sid)).toEqual(bytes);
    });

    test("a session's open comes with its first message only", async () => {
      const { log, ada, conversationId } = await aConversation();
      const sessionOpen = { sid: new Uint8Array(16), bytes: new Uint8Array([5]) };
      await log.append(aRequest(conversationId, ada, { sessionOpen }), null);
      await log.append(aRequest(conversationId, ada, { sessionOpen }), null);

      const opens = (await read(log, conversationId)).map((entry) => entry.sessionOpen);

      expect(opens).toEqual([sessionOpen.bytes, null]);
    });

    test("[S13] an append repeated by its sender is answered, not stored again", async () => {
      const { log, ada, conversationId } = await aConversation();
      const request = aRequest(conversationId, ada);
      const first = await log.append(request, null);

      const again = await log.append({ ...request, now: 9_000 }, null);

      expect(first).toMatchObject({ ok: true, value: { seq: 1, duplicate: false } });
      expect(again).toEqual({ ok: true, value: { seq: 1, at: 2_000, duplicate: true } });
      expect(await read(log, conversationId)).toHaveLength(1);
    });

    test("a refused append leaves no trace and no hole", async () => {
      const { log, ada, bob, conversationId } = await aConversation();
      const taken = aRequest(conversationId, ada);
      await log.append(taken, null);

      const results = await Promise.all([
        log.append(aRequest(conversationId, bob, { messageId: taken.entry.messageId }), null),
        log.append(aRequest(conversationId, anAccount()), null),
        log.append(aRequest(anId<ConversationId>(), ada), null),
        log.append(aRequest(conversationId, bob), null),
      ]);

      const codes = results.map((result) => (result.ok ? result.value.seq : result.failure.code));
      expect(codes).toEqual(["MESSAGE_ID_CONFLICT", "NOT_MEMBER", "NOT_MEMBER", 2]);
    });

    test("[R4] [S13] appends that come together are answered each as if it had come alone", async () => {
      const { log, ada, bob, conversationId } = await aConversation();
      const first = aRequest(conversationId, ada);
      const sessionOpen = { sid: new Uint8Array(16), bytes: new Uint8Array([5]) };

      const results = await Promise.all(
        [
          first,
          first,
          aRequest(conversationId, bob, { messageId: first.entry.messageId }),
          aRequest(conversationId, anAccount()),
          aRequest(conversationId, bob, { sessionOpen }),
          aRequest(conversationId, ada, { messageId: null, kind: "control", body: null }),
          aRequest(conversationId, ada),
        ].map((request) => log.append(request, null)),
      );

      expect(
        results.map((result) =>
          result.ok ? [result.value.seq, result.value.duplicate] : result.failure.code,
        ),
      ).toEqual([
        [1, false],
        [1, true],
        "MESSAGE_ID_CONFLICT",
        "NOT_MEMBER",
        [2, false],
        [3, false],
        [4, false],
      ]);
      const entries = await read(log, conversationId);
      expect(entries.map(({ seq, kind }) => [seq, kind])).toEqual([
        [1, "message.new"],
        [2, "message.new"],
        [3, "control"],
        [4, "message.new"],
      ]);
      expect(entries[0]).toEqual({ ...first.entry, seq: 1, at: 2_000, recalledAt: null });
    });

    test("[R4] [S16] among appends that come together, that of a socket without a place leaves no hole", async () => {
      const { log, ada, bob, conversationId } = await aConversation();
      const told: number[] = [];
      log.onAppended((entry) => void told.push(entry.seq));
      const origin = { nodeId: "here", agentSocket: "gone" };

      const results = await Promise.all([
        log.append(aRequest(conversationId, ada), null),
        log.append({ ...aRequest(conversationId, bob), origin }, null),
        log.append(aRequest(conversationId, ada), null),
      ]);

      const codes = results.map((result) => (result.ok ? result.value.seq : result.failure.code));
      expect(codes).toEqual([1, "UNAVAILABLE", 2]);
      expect(told).toEqual([1, 2]);
      expect((await read(log, conversationId)).map(({ seq }) => seq)).toEqual([1, 2]);
    });

    test("pages go both ways and never exceed their bytes by more than one entry", async () => {
      const { log, ada, conversationId } = await aConversation();
      for (let i = 0; i < 5; i++) await log.append(aRequest(conversationId, ada), null);
      const page = async (
        after: number | null,
        before: number | null,
        maxEntries: number,
        maxBytes = 1_000,
      ) =>
        (await log.page({ conversationId, after, before, maxEntries, maxBytes })).map(
          (entry) => entry.seq,
        );

      expect(await page(1, null, 2)).toEqual([2, 3]);
      expect(await page(null, 5, 2)).toEqual([3, 4]);
      expect(await page(1, 4, 10)).toEqual([2, 3]);
      expect(await page(0, null, 10, 7)).toEqual([1, 2]);
    });

    test("cursors move forward only and stop at the log's end", async () => {
      const { log, ada, bob, conversationId } = await aConversation();
      for (let i = 0; i < 3; i++) await log.append(aRequest(conversationId, ada), null);
      const move = (seq: number) =>
        log.advanceCursors([{ endpointId: bob.deviceId, accountId: bob.id, conversationId, seq }]);
      const cursor = async () => (await log.inbox(bob.id, bob.deviceId))[0]?.cursor;

      expect(await move(2)).toMatchObject({ value: [{ accountId: bob.id, seq: 2 }] });
      expect(await move(1)).toMatchObject({ value: [] });
      expect(await cursor()).toBe(2);
      await move(99);
      expect(await cursor()).toBe(3);
    });

    test("read marks move forward only and stop at the log's end", async () => {
      const { log, ada, conversationId } = await aConversation();
      for (let i = 0; i < 3; i++) await log.append(aRequest(conversationId, ada), null);

      expect(await log.markRead(conversationId, ada.id, 2)).toMatchObject({
        value: { readSeq: 2, moved: true },
      });
      expect(await log.markRead(conversationId, ada.id, 1)).toMatchObject({
        value: { readSeq: 2, moved: false },
      });
      expect(await log.markRead(conversationId, ada.id, 99)).toMatchObject({
        value: { readSeq: 3, moved: true },
      });
    });

    test("[P74] a recall that is repeated is answered with the place of the first, not with another's", async () => {
      const { log, ada, conversationId } = await aConversation();
      const [other, first] = [aRequest(conversationId, ada), aRequest(conversationId, ada)];
      await log.append(other, null);
      await log.append(first, null);
      const recall = (request: AppendRequest) =>
        log.recall(
          {
            now: 3_000,
            conversationId,
            messageId: request.entry.messageId as MessageId,
            senderId: ada.id,
            senderType: "human",
            senderDeviceId: ada.deviceId,
            windowMs: 120_000,
            signed: null,
          },
          null,
        );
      await recall(other);
      const recalled = await recall(first);

      const again = await recall(first);

      expect(recalled).toEqual({ ok: true, value: { seq: 4, at: 3_000, duplicate: false } });
      expect(again).toEqual({ ok: true, value: { seq: 4, at: 3_000, duplicate: true } });
      expect(await read(log, conversationId)).toHaveLength(4);
    });

    test("[P45] a ledger grows by compare-and-set; the loser is told the head", async () => {
      const { log, ada, conversationId } = await aConversation();
      const [, second] = aLedger(1, conversationId, 2);
      const prevHash = hashOf(second ?? new Uint8Array());
      const entry = aLedgerEntry(1, conversationId, 2, second ?? null);
      const append = { now: 3_000, ledgerSeq: 2, prevHash, entry };
      const by = { accountId: ada.id, deviceId: ada.deviceId };

      const results = await Promise.all([
        log.appendLedger(conversationId, append, by),
        log.appendLedger(conversationId, append, by),
      ]);

      expect(results.map((result) => (result.ok ? "ok" : result.failure.code))).toEqual([
        "ok",
        "LEDGER_CONFLICT",
      ]);
      expect(results[1]).toMatchObject({ failure: { params: { head: { ledger_seq: 2 } } } });
      expect((await read(log, conversationId)).map(({ kind }) => kind)).toEqual([
        "ledger.appended",
      ]);
      expect(await log.ledgerAfter(conversationId, 1)).toEqual([{ ledgerSeq: 2, prevHash, entry }]);
    });

    test("[P45] an entry that names another place of the chain is refused", async () => {
      const { log, ada, conversationId } = await aConversation();
      const [, second] = aLedger(1, conversationId, 2);
      const prevHash = hashOf(second ?? new Uint8Array());
      const misplaced = aLedgerEntry(1, conversationId, 3, second ?? null);

      const result = await log.appendLedger(
        conversationId,
        { now: 3_000, ledgerSeq: 2, prevHash, entry: misplaced },
        { accountId: ada.id, deviceId: ada.deviceId },
      );

      expect(result).toMatchObject({ ok: false, failure: { code: "BAD_REQUEST" } });
    });
  });
}
