/** Encrypted files in three steps: announce, put, confirm. The relay sees ciphertext of a known size. */
import { ok, type Result } from "#base/result.ts";
import {
  isUuid,
  makeId,
  type AccountId,
  type AttachmentId,
  type ConversationId,
} from "#protocol/ids.ts";
import { MAX_FILE_BYTES } from "#protocol/limits.ts";
import { ConfirmUploadBody, UploadBody } from "#protocol/rest.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import type { Principal } from "../live/connection.ts";
import { answer, isoTime, type Api, type Http } from "./api.ts";

const UPLOAD_LIFETIME_MS = 3_600_000;
/** Tags of the chunks: ciphertext is a little longer than the file. */
const MAX_CIPHERTEXT_BYTES = MAX_FILE_BYTES + 65_536;

type UploadRow = {
  readonly upload_id: string;
  readonly attachment_id: AttachmentId;
  readonly conv: ConversationId;
  readonly uploader: AccountId;
  readonly size: number;
  readonly sha256: string | null;
  readonly created_at: number;
};

export function serveFiles(app: RelayApp, api: Api): void {
  const { writer, blobs, clock, random, sql } = api;

  const ownUpload = (uploadId: string, who: Principal): Result<UploadRow, RelayFailure> => {
    const row = sql.get<UploadRow>("SELECT * FROM upload WHERE upload_id = ?", uploadId);
    const isOpen =
      row?.uploader === who.accountId && row.created_at + UPLOAD_LIFETIME_MS > clock.now();
    return row !== undefined && isOpen ? ok(row) : refuse("NOT_FOUND");
  };

  const start = (prefix: (http: Http) => string) =>
    api.either(async (http, who) => {
      const body = await api.body(http, UploadBody);
      if (!body.ok) return body;
      const { size, conversation_id } = body.value;
      if (size > MAX_CIPHERTEXT_BYTES) return refuse("TOO_LARGE", { limit: MAX_CIPHERTEXT_BYTES });
      const now = clock.now();
      const uploadId = makeId<AttachmentId>(now, random);
      const attachmentId = makeId<AttachmentId>(now, random);
      const started = await writer.run("startUpload", {
        now,
        uploadId,
        attachmentId,
        conversationId: conversation_id,
        uploader: who.accountId,
        sizeBytes: size,
      });
      if (!started.ok) return started;
      return answer({
        upload_id: uploadId,
        upload_url: `${prefix(http)}/${uploadId}/upload`,
        attachment_id: attachmentId,
        expires_at: isoTime(now + UPLOAD_LIFETIME_MS),
      });
    }, 201);

  const put = api.either(async (http, who) => {
    const upload = ownUpload(http.req.param("uploadId") ?? "", who);
    if (!upload.ok) return upload;
    const bytes = http.req.raw.body;
    if (bytes === null) return refuse("BAD_REQUEST");
    if (upload.value.sha256 !== null) return refuse("ID_TAKEN");
    const stored = await blobs.put(upload.value.attachment_id, bytes, upload.value.size);
    return stored.ok ? answer({}) : stored;
  });

  app.post(
    "/files",
    start(() => "/files"),
  );
  app.post(
    "/agents/:id/files",
    start((http) => `/agents/${http.req.param("id") ?? ""}/files`),
  );
  app.put("/files/:uploadId/upload", put);
  app.put("/agents/:id/files/:uploadId/upload", put);

  app.post("/files/confirm", confirmUpload(api));

  const find = async (http: Http, who: Principal): Promise<Result<UploadRow, RelayFailure>> => {
    const id = http.req.param("attachmentId");
    const row = isUuid(id)
      ? sql.get<UploadRow>(
          "SELECT * FROM upload WHERE attachment_id = ? AND sha256 IS NOT NULL",
          id,
        )
      : undefined;
    if (row === undefined) return refuse("NOT_FOUND");
    const members = await api.log.members(row.conv);
    return members.some((member) => member.id === who.accountId && member.leftSeq === null)
      ? ok(row)
      : refuse("NOT_FOUND");
  };

  app.get("/files/:attachmentId", async (http, next) => {
    let found: UploadRow | null = null;
    const refusal = await api.either(async (context, who) => {
      const row = await find(context, who);
      if (row.ok) found = row.value;
      return row.ok ? answer(null) : row;
    })(http, next);
    if (found === null) return refusal as Response;
    return serveBlob(http, api, found);
  });
}

function serveBlob(http: Http, api: Api, { attachment_id, size }: UploadRow): Response {
  const range = /^bytes=(\d+)-(\d*)$/.exec(http.req.header("range") ?? "");
  const start = range === null ? 0 : Number(range[1]);
  const end = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  if (start > end) return http.body(null, 416, { "Content-Range": `bytes */${size}` });
  return http.body(api.blobs.read(attachment_id, start, end), range === null ? 200 : 206, {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": "attachment",
    "Content-Length": String(end - start + 1),
    "Accept-Ranges": "bytes",
    ...(range === null ? {} : { "Content-Range": `bytes ${start}-${end}/${size}` }),
  });
}

const confirmUpload = (api: Api): Route =>
  api.either(async (http, who) => {
    const body = await api.body(http, ConfirmUploadBody);
    if (!body.ok) return body;
    const upload = ownUpload(body.value.upload_id, who);
    if (!upload.ok) return upload;
    const { attachment_id, size } = upload.value;
    const stored = await api.blobs.stat(attachment_id);
    if (stored === null) return refuse("NOT_FOUND");
    if (stored.sha256Hex !== body.value.sha256 || stored.sizeBytes !== size) {
      await api.blobs.delete(attachment_id);
      return refuse("SHA256_MISMATCH");
    }
    const confirmed = await api.writer.run("confirmUpload", {
      uploadId: body.value.upload_id,
      sha256: stored.sha256Hex,
    });
    return confirmed.ok ? answer({ attachment_id, size, sha256: stored.sha256Hex }) : confirmed;
  });
