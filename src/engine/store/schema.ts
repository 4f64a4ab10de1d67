/**
 * What lies on the browser's disk. Every name is a keyed hash and every value is sealed, so a copied profile shows
 * how many records there are and how large, and nothing else. SPEC §store.
 */
import type { DBSchema } from "idb";
import type { Bytes } from "#base/bytes.ts";

/** Raised by one for every step in `migrations.ts`. */
export const SCHEMA_VERSION = 1;

/** Rows of a conversation's log that share one sealed record; the page of a row is `floor(seq / ROWS_PER_PAGE)`. */
export const ROWS_PER_PAGE = 100;

/** Rows that may wait beside their page, each in a record of its own, before the page is written again. */
export const MAX_LOOSE_ROWS = 24;

/** Slot of the packed record of a page; the row at `seq % ROWS_PER_PAGE` lies loose in the slot after that. */
export const PACKED_SLOT = 0;

export type StoredRecord = {
  /** Keyed hash of table and key. */
  readonly name: string;
  /** Keyed hash of the table. */
  readonly group: string;
  /** The key's own text, sealed, so that a table can be listed. */
  readonly label: Bytes;
  readonly sealed: Bytes;
};

export type StoredRows = {
  /** Keyed hash of the conversation. */
  readonly log: string;
  readonly page: number;
  readonly slot: number;
  readonly sealed: Bytes;
};

/** What stands outside the vault because it opens the vault; see `vault-key.ts`. */
export type StoredDoor = {
  /** Not extractable: script may use it here, a copied disk cannot. */
  readonly deviceKey: CryptoKey;
  /** The vault key under the device key; null while the lock is on. */
  readonly open: Sealed | null;
  /** The vault key under the password, and that under the device key; null until there is a password. */
  readonly locked: Sealed | null;
  /** What the lock screen must know, under the device key. */
  readonly greeting: Sealed | null;
};
export type Sealed = { readonly nonce: Bytes; readonly ciphertext: Bytes };

export interface ParleySchema extends DBSchema {
  records: { key: string; value: StoredRecord; indexes: { byGroup: string } };
  rows: { key: [string, number, number]; value: StoredRows };
  door: { key: "door"; value: StoredDoor };
}
