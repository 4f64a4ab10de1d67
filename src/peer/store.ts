/**
 * What an endpoint keeps between starts. Two shapes only: small records by table and key, and one log of rows
 * per conversation. A commit is one durable transaction: all of it or nothing (SPEC, crypto step 11).
 * Sealing at rest is the implementation's affair; callers pass plain bytes. `store.contract.ts` is the suite.
 */
import type { Bytes } from "#base/bytes.ts";
import type { Result } from "#base/result.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { PeerFailure } from "./failure.ts";

/** Tables of the peer layer; an embedding program may add its own names with its own prefix. */
export type Table = string;

export type Put = { readonly table: Table; readonly key: string; readonly value: Bytes };
export type Delete = { readonly table: Table; readonly key: string };
/** A row of a conversation's log; a row at a seq that exists replaces it. */
export type LogRow = { readonly seq: number; readonly row: Bytes };
export type LogPut = LogRow & { readonly conversationId: ConversationId };

/** Everything one transaction writes. */
export type Batch = {
  readonly puts?: readonly Put[];
  readonly deletes?: readonly Delete[];
  readonly log?: readonly LogPut[];
  /** Conversations whose whole log goes. */
  readonly dropLogs?: readonly ConversationId[];
};

export interface Store {
  get(table: Table, key: string): Promise<Bytes | null>;
  /** Records whose key starts with `prefix`, in key order. */
  list(
    table: Table,
    prefix?: string,
  ): Promise<readonly { readonly key: string; readonly value: Bytes }[]>;
  /** At most `limit` rows with seq < `beforeSeq` (newest of them), ascending. */
  logBefore(
    conversationId: ConversationId,
    beforeSeq: number,
    limit: number,
  ): Promise<readonly LogRow[]>;
  /** At most `limit` rows with seq > `afterSeq` (oldest of them), ascending. */
  logAfter(
    conversationId: ConversationId,
    afterSeq: number,
    limit: number,
  ): Promise<readonly LogRow[]>;
  logAt(conversationId: ConversationId, seq: number): Promise<Bytes | null>;
  /** Fails with `peer/store-full`, `peer/store-failed`, `peer/store-closed`; then nothing was written. */
  commit(batch: Batch): Promise<Result<null, PeerFailure>>;
  close(): Promise<void>;
}
