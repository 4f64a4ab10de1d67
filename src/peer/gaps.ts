/**
 * Which stored entries say that something before them is missing, so that they stop saying so once it has come.
 * SPEC E49.
 */
import * as v from "valibot";
import { bytesToHex } from "#base/bytes.ts";
import type { EnvelopeHead } from "#protocol/envelope.ts";
import type { MessageId } from "#protocol/ids.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./endpoint.ts";
import { encodeEntry, parseEntry } from "./entry.ts";
import { encodeRecord, parseRecord } from "./json-record.ts";
import type { Opened } from "./opener.ts";
import type { SeenMessages } from "./seen-messages.ts";
import type { Store } from "./store.ts";

export interface Gaps {
  /** Notes the gap before a message that was just opened, and gives the entry after it if it was the one missing there. */
  settle(opened: Pick<Opened, "header" | "gap" | "fillsGap">, draft: Draft): Promise<Entry | null>;
}

const TABLE = "gaps";

/** Where nothing is kept nothing is noted: nobody shows the gap. */
export function createGaps(options: {
  readonly store: Store;
  readonly seen: SeenMessages;
  readonly isKept: boolean;
}): Gaps {
  const { store, seen, isKept } = options;
  return {
    async settle({ header, gap, fillsGap }, draft) {
      if (!isKept) return null;
      if (gap) {
        const value = encodeRecord(header.messageId);
        draft.puts.push({ table: TABLE, key: keyOf(header, header.index), value });
      }
      if (!fillsGap) return null;
      const key = keyOf(header, header.index + 1);
      const messageId = parseRecord(v.string(), await store.get(TABLE, key)) as MessageId | null;
      if (messageId === null) return null;
      const { conversationId } = header;
      const seq = await seen.seqOf(conversationId, messageId, draft);
      const row = seq === null ? null : await store.logAt(conversationId, seq);
      const entry = row === null ? null : parseEntry(row);
      draft.deletes.push({ table: TABLE, key });
      if (entry === null || entry.content.kind !== "message") return null;
      const mended: Entry = { ...entry, content: { ...entry.content, gap: false } };
      draft.log.push({ conversationId, seq: entry.seq, row: encodeEntry(mended) });
      return mended;
    },
  };
}

const keyOf = ({ conversationId, senderDeviceId, sid }: EnvelopeHead, index: number): string =>
  `${conversationId}/${senderDeviceId}/${bytesToHex(sid)}/${index}`;
