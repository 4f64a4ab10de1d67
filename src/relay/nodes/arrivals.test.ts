import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import type { StoredEntry } from "../log/log-store.ts";
import { createSqlLog } from "../log/sql-log.ts";
import { aLedger, anId, onTestEnd } from "../relay-world.contract.ts";
import { openStore } from "../store/open-store.ts";
import { Arrivals, type Concern } from "./arrivals.ts";

/** A conversation of so many entries, and how its news come to a node where somebody is level up to `levelSeq`. */
async function aConversationOf(count: number, levelSeq: number | null = 0) {
  const folder = mkdtempSync(join(tmpdir(), "parley-arrivals-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const [clock, random] = [createFakeClock(), createSeededRandom(1)];
  const store = await openStore(
    { file: join(folder, "log.sqlite"), writes: "here" },
    { clock, random, log: silentLog },
  );
  onTestEnd(() => store.close());
  const log = await createSqlLog(store.writer, store.sql, clock, silentLog);
  const [conversationId, ada] = [anId<ConversationId>(), anId<AccountId>()];
  const ledger = aLedger(1, conversationId, 2);
  const owner = { id: ada, type: "human", role: "owner", ownerId: null } as const;
  const group = { type: "group", members: [owner], ledger, entries: [] } as const;
  await log.createConversation({ ...group, now: 0, conversationId });
  const entries: StoredEntry[] = [];
  log.onAppended((entry) => void entries.push(entry));
  const entry = {
    conversationId,
    kind: "message.new",
    senderId: ada,
    senderType: "human",
    senderDeviceId: ada as string as DeviceId,
    meta: {},
    body: new Uint8Array(1),
    sessionOpen: null,
    countsUnread: true,
  } as const;
  const appended = Array.from({ length: count }, () => {
    const messageId = anId<MessageId>();
    return log.append(
      { now: 1, entry: { ...entry, messageId }, artifact: null, stream: null },
      null,
    );
  });
  await Promise.all(appended);

  const shown: (readonly [seq: number, writer: string | null])[] = [];
  const steps: string[] = [];
  const concern: { now: Concern } = { now: { startSeq: null, hasSocket: true } };
  const arrivals = new Arrivals({
    log,
    events: silentLog,
    concernOf: () => Promise.resolve(concern.now),
    forget: () => void steps.push("forget"),
    writerOf: () => null,
    onGrown: () => undefined,
    show({ seq }, writer) {
      steps.push("show");
      shown.push([seq, writer]);
    },
  });
  if (levelSeq !== null) arrivals.level(conversationId, levelSeq);
  const hear = (seq: number, changesMembers = false) =>
    arrivals.heard([conversationId, seq, changesMembers]);
  const commit = (seq: number, writer: string) => {
    const own = entries.find((one) => one.seq === seq);
    if (own !== undefined) arrivals.committed(own, writer);
  };
  return { arrivals, conversationId, concern, shown, steps, hear, commit };
}

test("[R43] whatever order the news take, entries are shown densely, each once, an own one with its writer", async () => {
  const { shown, hear, commit } = await aConversationOf(9, 1);

  commit(3, "mine");
  const news = [hear(2), hear(3), hear(6), hear(5)];
  commit(4, "mine");
  commit(7, "mine");
  await Promise.all([...news, hear(9)]);

  expect(shown).toEqual([
    [2, null],
    [3, "mine"],
    [4, "mine"],
    [5, null],
    [6, null],
    [7, "mine"],
    [8, null],
    [9, null],
  ]);
});

test("[R43] more entries than a page holds are all shown", async () => {
  const { shown, hear } = await aConversationOf(450);

  await hear(450);

  expect(shown.map(([seq]) => seq)).toEqual(Array.from({ length: 450 }, (_, i) => i + 1));
});

test("[R43] what came before anybody was level is looked for again once somebody is", async () => {
  const { arrivals, conversationId, shown, hear } = await aConversationOf(3, null);

  await hear(3);
  expect(shown).toEqual([]);
  arrivals.level(conversationId, 2);
  await hear(3);

  expect(shown.map(([seq]) => seq)).toEqual([3]);
});

test("[R43] whoever comes back says anew how far they are", async () => {
  const { arrivals, conversationId, concern, shown, hear } = await aConversationOf(6);
  await hear(2);
  concern.now = { startSeq: null, hasSocket: false };
  await hear(4);
  concern.now = { startSeq: null, hasSocket: true };
  arrivals.level(conversationId, 5);

  await hear(6);

  expect(shown.map(([seq]) => seq)).toEqual([1, 2, 6]);
});

test("[R43] members that may be others are forgotten before the entries are shown", async () => {
  const { steps, hear } = await aConversationOf(2);

  await hear(1);
  await hear(2, true);

  expect(steps).toEqual(["show", "forget", "show"]);
});
