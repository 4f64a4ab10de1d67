/** Reads about uploads, and the end of those that nobody confirmed. */
import type { Clock } from "#base/clock.ts";
import type { AccountId, AttachmentId, ConversationId } from "#protocol/ids.ts";
import { orNull, type Sql } from "../store/sql.ts";
import type { Writer } from "../store/writer.ts";
import { UPLOAD_LIFETIME_MS } from "./upload-commands.ts";
import type { BlobStore } from "./blob-store.ts";

export type UploadRow = {
  readonly upload_id: string;
  readonly attachment_id: AttachmentId;
  readonly conv: ConversationId;
  readonly uploader: AccountId;
  readonly size: number;
  readonly sha256: string | null;
  readonly created_at: number;
};

export interface Uploads {
  byId(uploadId: string): Promise<UploadRow | null>;
  /** A file that is whole and may be handed out. */
  confirmed(id: AttachmentId): Promise<UploadRow | null>;
  confirmedBytes(): Promise<number>;
  /** Deletes what was announced and never confirmed. */
  sweep(now: number): Promise<void>;
}

/** Nothing older is confirmed any more, whatever the nodes' clocks say. */
const SETTLED_AFTER_MS = 2 * UPLOAD_LIFETIME_MS;

export function createUploads(sql: Sql, writer: Writer, blobs: BlobStore, clock: Clock): Uploads {
  // Confirmed files stay, so those that are settled are counted once.
  let settled = { upTo: -1, bytes: 0 };
  const bytesBetween = async (after: number, upTo: number): Promise<number> => {
    const row = await sql.get<{ bytes: number }>(
      `SELECT coalesce(sum(size), 0) AS bytes FROM upload
       WHERE sha256 IS NOT NULL AND created_at > ? AND created_at <= ?`,
      after,
      upTo,
    );
    return row?.bytes ?? 0;
  };
  return {
    byId: (uploadId) =>
      orNull(sql.get<UploadRow>("SELECT * FROM upload WHERE upload_id = ?", uploadId)),
    confirmed: (id) =>
      orNull(
        sql.get<UploadRow>(
          "SELECT * FROM upload WHERE attachment_id = ? AND sha256 IS NOT NULL",
          id,
        ),
      ),
    async confirmedBytes() {
      const { upTo, bytes } = settled;
      const next = Math.max(upTo, clock.now() - SETTLED_AFTER_MS);
      const grown = bytes + (await bytesBetween(upTo, next));
      settled = { upTo: next, bytes: grown };
      return grown + (await bytesBetween(next, Number.MAX_SAFE_INTEGER));
    },
    async sweep(now) {
      const stale = await sql.all<UploadRow>(
        "SELECT * FROM upload WHERE sha256 IS NULL AND created_at <= ?",
        now - UPLOAD_LIFETIME_MS,
      );
      for (const { upload_id, attachment_id } of stale) {
        await blobs.delete(attachment_id);
        await writer.run("dropUpload", { uploadId: upload_id });
      }
    },
  };
}
