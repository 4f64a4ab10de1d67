/** The engine's own records in the peer's store: JSON under table names of its own. */
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import type { Put, Store } from "#peer/store.ts";

/** One table each; the prefix keeps them apart from the peer layer's. */
export const TABLE = {
  account: "engine/account",
  conversations: "engine/conversations",
  people: "engine/people",
  remarks: "engine/remarks",
  drafts: "engine/drafts",
  formDrafts: "engine/form-drafts",
  toolConsents: "engine/tool-consents",
  plainAgents: "engine/plain-agents",
  plainTurns: "engine/plain-turns",
  plainQueue: "engine/plain-queue",
  stagedFiles: "engine/staged-files",
  filePieces: "engine/file-pieces",
  fileMessages: "engine/file-messages",
  keptFiles: "engine/kept-files",
  keptBytes: "engine/kept-bytes",
} as const;
export type TableName = (typeof TABLE)[keyof typeof TABLE];

/** A write of one record, for a commit. */
export const putRecord = (table: TableName, key: string, value: object): Put => ({
  table,
  key,
  value: utf8(JSON.stringify(value)),
});

/** The record, or null. What lies in the vault was written by us, so its shape is trusted. */
export const loadRecord = async <Value>(
  store: Store,
  table: TableName,
  key: string,
): Promise<Value | null> => parse<Value>(await store.get(table, key));

/** All records of a table by key, or those whose key begins with `prefix`. */
export async function loadRecords<Value>(
  store: Store,
  table: TableName,
  prefix?: string,
): Promise<ReadonlyMap<string, Value>> {
  const found = new Map<string, Value>();
  for (const { key, value } of await store.list(table, prefix)) {
    const record = parse<Value>(value);
    if (record !== null) found.set(key, record);
  }
  return found;
}

function parse<Value>(bytes: Bytes | null): Value | null {
  const text = bytes === null ? null : utf8ToText(bytes);
  return text === null ? null : (JSON.parse(text) as Value);
}
