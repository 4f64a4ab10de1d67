/** A store that forgets at exit: agents without a disk, and tests. Passes `store.contract.ts`. */
import type { Bytes } from "#base/bytes.ts";
import { err, ok } from "#base/result.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { Batch, Store } from "./store.ts";

/** Creates an empty store. */
export function createMemoryStore(): Store {
  const tables = new Map<string, Map<string, Bytes>>();
  const logs = new Map<ConversationId, Map<number, Bytes>>();
  let isClosed = false;

  const rowsOf = (conversationId: ConversationId) =>
    [...(logs.get(conversationId) ?? [])]
      .map(([seq, row]) => ({ seq, row: copyOf(row) }))
      .toSorted((a, b) => a.seq - b.seq);

  return {
    get: async (table, key) => copyOrNull(tables.get(table)?.get(key)),
    list: async (table, prefix = "") =>
      [...(tables.get(table) ?? [])]
        .filter(([key]) => key.startsWith(prefix))
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => ({ key, value: copyOf(value) })),
    logBefore: async (conversationId, beforeSeq, limit) =>
      limit <= 0
        ? []
        : rowsOf(conversationId)
            .filter(({ seq }) => seq < beforeSeq)
            .slice(-limit),
    logAfter: async (conversationId, afterSeq, limit) =>
      rowsOf(conversationId)
        .filter(({ seq }) => seq > afterSeq)
        .slice(0, Math.max(0, limit)),
    logAt: async (conversationId, seq) => copyOrNull(logs.get(conversationId)?.get(seq)),
    async commit(batch) {
      if (isClosed) return err({ kind: "peer/store-closed" });
      apply(tables, logs, batch);
      return ok(null);
    },
    async close() {
      isClosed = true;
    },
  };
}

function apply(
  tables: Map<string, Map<string, Bytes>>,
  logs: Map<ConversationId, Map<number, Bytes>>,
  batch: Batch,
): void {
  for (const conversationId of batch.dropLogs ?? []) logs.delete(conversationId);
  for (const { table, key } of batch.deletes ?? []) tables.get(table)?.delete(key);
  for (const { table, key, value } of batch.puts ?? []) {
    const records = tables.get(table) ?? new Map<string, Bytes>();
    tables.set(table, records.set(key, copyOf(value)));
  }
  for (const { conversationId, seq, row } of batch.log ?? []) {
    const rows = logs.get(conversationId) ?? new Map<number, Bytes>();
    logs.set(conversationId, rows.set(seq, copyOf(row)));
  }
}

// A caller may wipe or reuse its array after the call.
const copyOf = (bytes: Bytes): Bytes => new Uint8Array(bytes);
const copyOrNull = (bytes: Bytes | undefined): Bytes | null =>
  bytes === undefined ? null : copyOf(bytes);
