/**
 * The peer layer's store on IndexedDB. Everything is sealed before the transaction opens, and a transaction holds
 * one batch and resolves after the disk has it. SPEC §store.
 */
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import type { Log } from "#base/log.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Vault } from "#crypto/vault.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { Batch, Store } from "#peer/store.ts";
import type { Database } from "./migrations.ts";
import { createRowReader, type RowReader } from "./row-reader.ts";
import { planRows, type RowPlan } from "./row-plan.ts";
import type { StoredRecord } from "./schema.ts";
import type { SealedNames } from "./sealed-names.ts";

const RECORD_VERSION = 1;

type Parts = {
  readonly database: Database;
  readonly vault: Vault;
  readonly names: SealedNames;
  readonly log: Log;
};

/** Creates the store of one open vault. Damaged records count as absent and are logged by event, never by name. */
export function createIdbStore(parts: Parts): Store {
  const { database, names } = parts;
  const rows = createRowReader(parts);
  const commits = createKeyedQueue();
  const labels = new Map<string, Map<string, string>>();
  let isClosed = false;
  database.addEventListener("close", () => (isClosed = true));

  const open = async (table: string, key: string): Promise<Bytes | null> => {
    const record = await database.get("records", names.name("record", table, key));
    return record === undefined ? null : openRecord(parts, table, key, record);
  };

  /** Keys of a table, read from disk once and kept up with every commit. */
  const keysOf = async (table: string): Promise<ReadonlyMap<string, string>> => {
    const known = labels.get(table);
    if (known !== undefined) return known;
    const keys = new Map<string, string>();
    const records = await database.getAllFromIndex(
      "records",
      "byGroup",
      names.name("table", table),
    );
    for (const { name, label } of records) {
      const key = await parts.vault.open(
        { store: "labels", key: name, version: RECORD_VERSION },
        label,
      );
      const text = key === null ? null : utf8ToText(key);
      if (text === null) parts.log.warn("store.label-damaged");
      else keys.set(text, name);
    }
    labels.set(table, keys);
    return keys;
  };

  return {
    get: async (table, key) => (isClosed ? null : open(table, key)),
    // Behind the commits, so that keys of a commit under way are not missed, and before the end, so that a store that
    // closes meanwhile is not read any more.
    list: (table, prefix = "") =>
      commits.run("commit", async () => {
        if (isClosed) return [];
        const keys = await keysOf(table);
        const wanted = [...keys.keys()].filter((key) => key.startsWith(prefix)).sort();
        const found = await Promise.all(
          wanted.map(async (key) => ({ key, value: await open(table, key) })),
        );
        return found.flatMap(({ key, value }) => (value === null ? [] : [{ key, value }]));
      }),
    logBefore: async (conversationId, beforeSeq, limit) =>
      isClosed ? [] : rows.before(conversationId, beforeSeq, limit),
    logAfter: async (conversationId, afterSeq, limit) =>
      isClosed ? [] : rows.after(conversationId, afterSeq, limit),
    logAt: async (conversationId, seq) => (isClosed ? null : rows.at(conversationId, seq)),
    commit: (batch) =>
      commits.run("commit", async () => {
        if (isClosed) return err({ kind: "peer/store-closed" });
        const sealed = await sealBatch(parts, rows, batch);
        const written = await write(database, sealed);
        if (!written.ok) return isClosed ? err({ kind: "peer/store-closed" }) : written;
        rows.wrote(sealed.plan);
        noteKeys(labels, batch, names);
        return ok(null);
      }),
    async close() {
      await commits.run("commit", async () => {
        isClosed = true;
        rows.forget();
        labels.clear();
        database.close();
      });
    },
  };
}

type SealedBatch = {
  readonly puts: readonly StoredRecord[];
  readonly deletes: readonly string[];
  readonly plan: RowPlan;
};

async function sealBatch(parts: Parts, rows: RowReader, batch: Batch): Promise<SealedBatch> {
  const { vault, names } = parts;
  const puts = (batch.puts ?? []).map(async ({ table, key, value }): Promise<StoredRecord> => {
    const name = names.name("record", table, key);
    const [label, sealed] = await Promise.all([
      vault.seal({ store: "labels", key: name, version: RECORD_VERSION }, utf8(key)),
      vault.seal({ store: table, key, version: RECORD_VERSION }, value),
    ]);
    return { name, group: names.name("table", table), label, sealed };
  });
  return {
    puts: await Promise.all(puts),
    deletes: (batch.deletes ?? []).map(({ table, key }) => names.name("record", table, key)),
    plan: await planRows(parts, rows, batch),
  };
}

async function write(
  database: Database,
  { puts, deletes, plan }: SealedBatch,
): Promise<Result<null, PeerFailure>> {
  try {
    const transaction = database.transaction(["records", "rows"], "readwrite", {
      durability: "strict",
    });
    const records = transaction.objectStore("records");
    const rows = transaction.objectStore("rows");
    const requests = [
      ...plan.dropped.map((log) => rows.delete(wholeLog(log))),
      ...plan.emptied.map(({ log, page }) => rows.delete(looseOf(log, page))),
      ...deletes.map((name) => records.delete(name)),
      ...puts.map((record) => records.put(record)),
      ...plan.records.map((record) => rows.put(record)),
    ];
    // A failing request aborts the transaction; `done` says why, the requests need not say it again.
    for (const request of requests) request.catch(() => undefined);
    await transaction.done;
    return ok(null);
  } catch (error) {
    return err({ kind: kindOf(error) });
  }
}

const wholeLog = (log: string): IDBKeyRange =>
  IDBKeyRange.bound([log, 0, 0], [log, Number.MAX_SAFE_INTEGER, 0]);
const looseOf = (log: string, page: number): IDBKeyRange =>
  IDBKeyRange.bound([log, page, 1], [log, page, Number.MAX_SAFE_INTEGER]);

function kindOf(error: unknown): "peer/store-full" | "peer/store-closed" | "peer/store-failed" {
  const name = error instanceof Error ? error.name : "";
  if (name === "QuotaExceededError") return "peer/store-full";
  return name === "InvalidStateError" ? "peer/store-closed" : "peer/store-failed";
}

function noteKeys(
  labels: Map<string, Map<string, string>>,
  { puts = [], deletes = [] }: Batch,
  names: SealedNames,
): void {
  for (const { table, key } of deletes) labels.get(table)?.delete(key);
  for (const { table, key } of puts) labels.get(table)?.set(key, names.name("record", table, key));
}

async function openRecord(
  { vault, log }: Parts,
  table: string,
  key: string,
  record: StoredRecord,
): Promise<Bytes | null> {
  const value = await vault.open({ store: table, key, version: RECORD_VERSION }, record.sealed);
  if (value === null) log.warn("store.record-damaged");
  return value;
}
