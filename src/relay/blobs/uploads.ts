/** Reads about uploads, and the end of those that nobody confirmed. */
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

export function createUploads(sql: Sql, writer: Writer, blobs: BlobStore): Uploads {
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
      const row = await sql.get<{ bytes: number }>(
        "SELECT coalesce(sum(size), 0) AS bytes FROM upload WHERE sha256 IS NOT NULL",
      );
      return row?.bytes ?? 0;
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
