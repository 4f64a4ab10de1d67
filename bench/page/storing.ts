/** A log of many messages put on disk, read and searched: the app's sealed store, and plain records of IndexedDB. */
import { openDB } from "idb";
import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { createVault } from "#crypto/vault.ts";
import { searchLogs } from "#engine/search.ts";
import { createSearchTexts } from "#engine/search-texts.ts";
import { createIdbStore } from "#engine/store/idb-store.ts";
import { openDatabase } from "#engine/store/migrations.ts";
import { createSealedNames } from "#engine/store/sealed-names.ts";
import type { Entry } from "#peer/endpoint.ts";
import { encodeEntry } from "#peer/entry.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";

const A = "01900000-0000-7000-8000-0000000000a1" as ConversationId;
const BATCH = 100;
const HASH = "Hq7S1mVb0l3mH7sO0d9v8mP1cWcJ5bKqf0n9bH2tY3E=";
const WORDS =
  "the quay was quiet when she came back with a lamp and two letters for the harbour master".split(
    " ",
  );

/** Two sentences or so, never the same. */
const textOf = (seq: number): string =>
  Array.from({ length: 28 }, (_, i) => WORDS[(seq * 7 + i * (1 + (seq % 5))) % WORDS.length]).join(
    " ",
  ) + ` ${seq}`;

const entryOf = (seq: number): Entry => ({
  conversationId: A,
  seq,
  at: 1_790_000_000_000 + seq * 1_000,
  authorId: "01900000-0000-7000-8000-0000000000b1" as AccountId,
  authorKind: "human",
  authorDeviceId: "01900000-0000-7000-8000-0000000000d1" as DeviceId,
  content: {
    kind: "message",
    messageId: `01900000-0000-7000-8000-${seq.toString(16).padStart(12, "0")}` as MessageId,
    payload: { type: "text", text: textOf(seq) },
    messageHash: HASH,
    plaintextHash: HASH,
    streamId: null,
    gap: false,
    suite: 2,
    mode: "session",
    reduced: false,
  },
});

/** Entries of the log in commits of a hundred; milliseconds. */
async function inBatches(
  count: number,
  write: (entries: readonly Entry[]) => Promise<void>,
): Promise<number> {
  let ms = 0;
  for (let first = 1; first <= count; first += BATCH) {
    const entries = Array.from({ length: Math.min(BATCH, count - first + 1) }, (_, i) =>
      entryOf(first + i),
    );
    const startedAt = performance.now();
    await write(entries);
    ms += performance.now() - startedAt;
  }
  return ms;
}

async function openSealed(name: string) {
  const primitives = await createPrimitives({ random: systemRandom });
  const database = await openDatabase(name, () => undefined);
  if (!database.ok) throw new Error(database.failure.kind);
  const key = new Secret(new Uint8Array(32).fill(9));
  const [vault, names] = [
    createVault(primitives, key.reveal()),
    createSealedNames(primitives, key),
  ];
  return createIdbStore({ database: database.value, vault, names, log: silentLog });
}

/** Milliseconds to store `count` messages sealed. */
export async function storeSealed(name: string, count: number): Promise<number> {
  const store = await openSealed(name);
  const ms = await inBatches(count, async (entries) => {
    const log = entries.map((entry) => ({
      conversationId: A,
      seq: entry.seq,
      row: encodeEntry(entry),
    }));
    const written = await store.commit({ log });
    if (!written.ok) throw new Error(written.failure.kind);
  });
  await store.close();
  return ms;
}

/** Milliseconds to store `count` messages as one plain record each. */
export async function storePlain(name: string, count: number): Promise<number> {
  const database = await openDB(name, 1, {
    upgrade: (db) => void db.createObjectStore("messages", { keyPath: ["conversationId", "seq"] }),
  });
  const ms = await inBatches(count, async (entries) => {
    const transaction = database.transaction("messages", "readwrite", { durability: "strict" });
    for (const entry of entries) void transaction.store.put(entry);
    await transaction.done;
  });
  database.close();
  return ms;
}

/** Milliseconds until the newest hundred of a store just opened are there, its table of contents read before. */
export async function readNewest(name: string): Promise<number> {
  const store = await openSealed(name);
  await store.logAt(A, 1);
  const startedAt = performance.now();
  const rows = await store.logBefore(A, Number.MAX_SAFE_INTEGER, BATCH);
  const ms = performance.now() - startedAt;
  if (rows.length !== BATCH) throw new Error(`${rows.length} rows`);
  await store.close();
  return ms;
}

/** Milliseconds of searches one after the other for a word that nobody said. */
export async function searchForNothing(name: string, times: number): Promise<readonly number[]> {
  const store = await openSealed(name);
  const texts = createSearchTexts(store);
  const spent: number[] = [];
  for (let i = 0; i < times; i++) {
    const startedAt = performance.now();
    const hits = await searchLogs(
      texts,
      systemClock,
      [{ id: A, title: "Harbour" }],
      "Unerhörtes",
      50,
      null,
    );
    spent.push(performance.now() - startedAt);
    if (hits.length > 0) throw new Error("nothing is there to be found");
  }
  await store.close();
  return spent;
}
