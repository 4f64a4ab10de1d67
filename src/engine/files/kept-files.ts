/** Small pictures that were sent from here or opened here, sealed like everything else, the oldest forgotten first. SPEC §files. */
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { Store } from "#peer/store.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import { loadRecords, putRecord, TABLE } from "../records.ts";

type Kept = {
  readonly attachmentId: string;
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly sizeBytes: number;
  readonly keptAt: number;
};

export interface KeptFiles {
  has(attachmentId: string): boolean;
  read(attachmentId: string): Promise<Bytes | null>;
  /** Keeps a small picture; a full disk or a larger one is no failure, it is only not kept. */
  keep(picture: Omit<Kept, "keptAt" | "sizeBytes">, bytes: Bytes): Promise<void>;
  forget(wants: (kept: Kept) => boolean): Promise<void>;
}

/** The largest file that is kept, and what all of them may take. */
export const MAX_KEPT_FILE_BYTES = 4 << 20;
const MAX_KEPT_BYTES = 64 << 20;

/** Loads what is kept, without its bytes. */
export async function loadKeptFiles(store: Store, clock: Clock): Promise<KeptFiles> {
  const known = new Map(await loadRecords<Kept>(store, TABLE.keptFiles));
  const deletesOf = (ids: readonly string[]) =>
    ids.flatMap((key) => [
      { table: TABLE.keptFiles, key },
      { table: TABLE.keptBytes, key },
    ]);
  const forget = async (ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return;
    for (const id of ids) known.delete(id);
    await store.commit({ deletes: deletesOf(ids) });
  };
  const tooMany = (): readonly string[] => {
    let left = MAX_KEPT_BYTES;
    return [...known.values()]
      .toSorted((a, b) => b.keptAt - a.keptAt)
      .filter(({ sizeBytes }) => (left -= sizeBytes) < 0)
      .map(({ attachmentId }) => attachmentId);
  };
  return {
    has: (attachmentId) => known.has(attachmentId),
    read: async (attachmentId) =>
      known.has(attachmentId) ? store.get(TABLE.keptBytes, attachmentId) : null,
    async keep(picture, bytes) {
      if (bytes.length > MAX_KEPT_FILE_BYTES || known.has(picture.attachmentId)) return;
      const kept = { ...picture, sizeBytes: bytes.length, keptAt: clock.now() };
      const { attachmentId } = picture;
      const written = await store.commit({
        puts: [
          putRecord(TABLE.keptFiles, attachmentId, kept),
          { table: TABLE.keptBytes, key: attachmentId, value: bytes },
        ],
      });
      if (!written.ok) return;
      known.set(attachmentId, kept);
      await forget(tooMany());
    },
    forget: (wants) =>
      forget([...known.values()].filter(wants).map(({ attachmentId }) => attachmentId)),
  };
}
