/** Encrypted files in three steps: announce, put, confirm. The relay sees ciphertext of a known size. SPEC P76. */
import { ok, type Result } from "#base/result.ts";
import { isUuid, makeId, type AttachmentId } from "#protocol/ids.ts";
import { MAX_FILE_BYTES } from "#protocol/limits.ts";
import { ConfirmUploadBody, UploadBody } from "#protocol/rest.ts";
import { UPLOAD_LIFETIME_MS } from "../blobs/upload-commands.ts";
import type { UploadRow } from "../blobs/uploads.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import type { Principal } from "../live/connection.ts";
import { answer, isoTime, type Api, type Http, type RelayApp, type Route } from "./api.ts";

/** Tags of the chunks: ciphertext is a little longer than the file. */
const MAX_CIPHERTEXT_BYTES = MAX_FILE_BYTES + 65_536;

export function serveFiles(app: RelayApp, api: Api): void {
  app.post(
    "/files",
    announce(api, () => "/files"),
  );
  app.put("/files/:uploadId/upload", put(api));
  app.get("/files/:uploadId/upload", state(api));
  app.post(
    "/agents/:id/files",
    announce(api, (http) => `/agents/${http.req.param("id") ?? ""}/files`),
  );
  app.put("/agents/:id/files/:uploadId/upload", put(api));
  app.get("/agents/:id/files/:uploadId/upload", state(api));
  app.post("/files/confirm", confirm(api));
  app.get("/files/:attachmentId", download(api));
}

const announce = (api: Api, prefixOf: (http: Http) => string): Route =>
  api.either(async (http, who) => {
    const body = await api.body(http, UploadBody);
    if (!body.ok) return body;
    const { size, conversation_id } = body.value;
    if (size > MAX_CIPHERTEXT_BYTES) return refuse("TOO_LARGE", { limit: MAX_CIPHERTEXT_BYTES });
    const now = api.clock.now();
    const uploadId = makeId<AttachmentId>(now, api.random);
    const attachmentId = makeId<AttachmentId>(now, api.random);
    const started = await api.writer.run("startUpload", {
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
      upload_url: `${prefixOf(http)}/${uploadId}/upload`,
      attachment_id: attachmentId,
      expires_at: isoTime(now + UPLOAD_LIFETIME_MS),
    });
  }, 201);

const put = (api: Api): Route =>
  api.either(async (http, who) => {
    const upload = await ownUpload(api, http.req.param("uploadId") ?? "", who);
    if (!upload.ok) return upload;
    if (upload.value.sha256 !== null) return refuse("ID_TAKEN");
    const bytes = http.req.raw.body;
    const from = startOf(http, upload.value.size);
    if (bytes === null || from === null) return refuse("BAD_REQUEST", { path: "content-range" });
    const { attachment_id, size } = upload.value;
    const stored = await api.blobs.put(attachment_id, bytes, { from, sizeBytes: size });
    return stored.ok ? answer({ received: stored.value.received, size }) : stored;
  });

/** Where a broken upload goes on. */
const state = (api: Api): Route =>
  api.either(async (http, who) => {
    const upload = await ownUpload(api, http.req.param("uploadId") ?? "", who);
    if (!upload.ok) return upload;
    const { attachment_id, size } = upload.value;
    return answer({ received: await api.blobs.received(attachment_id), size });
  });

/** `Content-Range: bytes <first>-<last>/<size>`: the first byte; without the header 0; null when it makes no sense. */
function startOf(http: Http, sizeBytes: number): number | null {
  const header = http.req.header("content-range");
  if (header === undefined) return 0;
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header) ?? [];
  const isWithin = Number(first) <= Number(last) && Number(last) < sizeBytes;
  return isWithin && Number(total) === sizeBytes ? Number(first) : null;
}

const confirm = (api: Api): Route =>
  api.either(async (http, who) => {
    const body = await api.body(http, ConfirmUploadBody);
    if (!body.ok) return body;
    const { upload_id, sha256 } = body.value;
    const upload = await ownUpload(api, upload_id, who);
    if (!upload.ok) return upload;
    const { attachment_id, size } = upload.value;
    const stored = await api.blobs.stat(attachment_id);
    if (stored === null) return refuse("NOT_FOUND");
    if (stored.sha256Hex !== sha256 || stored.sizeBytes !== size) {
      api.events.warn("file.hash_mismatch", { bytes: stored.sizeBytes });
      await api.blobs.delete(attachment_id);
      await api.writer.run("dropUpload", { uploadId: upload_id });
      return refuse("SHA256_MISMATCH");
    }
    const confirmed = await api.writer.run("confirmUpload", { uploadId: upload_id, sha256 });
    return confirmed.ok ? answer({ attachment_id, size, sha256 }) : confirmed;
  });

const download = (api: Api): Route =>
  api.eitherRaw(async (http, who) => {
    const id = http.req.param("attachmentId");
    const upload = isUuid(id) ? await api.uploads.confirmed(id as string as AttachmentId) : null;
    const members = upload === null ? [] : await api.log.members(upload.conv);
    const isMember = members.some(
      (member) => member.id === who.accountId && member.leftSeq === null,
    );
    return upload !== null && isMember ? ok(blobResponse(api, http, upload)) : refuse("NOT_FOUND");
  });

async function ownUpload(
  api: Api,
  uploadId: string,
  who: Principal,
): Promise<Result<UploadRow, RelayFailure>> {
  const upload = await api.uploads.byId(uploadId);
  const isOpen =
    upload?.uploader === who.accountId && upload.created_at + UPLOAD_LIFETIME_MS > api.clock.now();
  return upload !== null && isOpen ? ok(upload) : refuse("NOT_FOUND");
}

function blobResponse(api: Api, http: Http, { attachment_id, size }: UploadRow): Response {
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
