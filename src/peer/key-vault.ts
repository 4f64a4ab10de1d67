/**
 * Where private prekeys live. A browser keeps them in its own store; the processes of one agent share a vault, so
 * that each of them opens every session.
 */
import * as v from "valibot";
import { bytesToHex, type Bytes } from "#base/bytes.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { PeerFailure } from "./failure.ts";
import { BytesText, encodeRecord, parseRecord } from "./json-record.ts";
import { createMemoryStore } from "./memory-store.ts";
import type { Store } from "./store.ts";

/** A prekey of ours with its private half. Times are epoch ms. */
export type VaultPrekey = {
  readonly kid: Bytes;
  readonly certificate: Bytes;
  readonly privateKey: Secret<Bytes>;
  /** Null while the relay has not taken it. */
  readonly publishedAt: number | null;
  /** When its successor was published. */
  readonly supersededAt: number | null;
};

export interface KeyVault {
  list(): Promise<readonly VaultPrekey[]>;
  /** Adds or replaces by key id, and removes, in one step. */
  change(change: {
    readonly put?: readonly VaultPrekey[];
    readonly remove?: readonly Bytes[];
  }): Promise<Result<null, PeerFailure>>;
  /** Runs the task while no other process of this identity does the same; null when another one is at it. */
  exclusively<Value>(task: () => Promise<Value>): Promise<Value | null>;
}

const TABLE = "prekeys";
const PrekeyRecord = v.object({
  kid: BytesText,
  certificate: BytesText,
  privateKey: BytesText,
  publishedAt: v.nullable(v.number()),
  supersededAt: v.nullable(v.number()),
});

/** A vault in a store that one process uses alone. */
export function createStoreKeyVault(store: Store): KeyVault {
  const queue = createKeyedQueue();
  return {
    async list() {
      const rows = await store.list(TABLE);
      return rows.flatMap(({ value }) => {
        const record = parseRecord(PrekeyRecord, value);
        return record === null ? [] : [{ ...record, privateKey: new Secret(record.privateKey) }];
      });
    },
    change: ({ put = [], remove = [] }) =>
      put.length + remove.length === 0
        ? Promise.resolve(ok(null))
        : store.commit({
            puts: put.map((prekey) => ({
              table: TABLE,
              key: bytesToHex(prekey.kid),
              value: encodeRecord({ ...prekey, privateKey: prekey.privateKey.reveal() }),
            })),
            deletes: remove.map((kid) => ({ table: TABLE, key: bytesToHex(kid) })),
          }),
    exclusively: (task) => queue.run("", task),
  };
}

/** A vault that forgets at exit: for one process without a disk. */
export const createMemoryKeyVault = (): KeyVault => createStoreKeyVault(createMemoryStore());
