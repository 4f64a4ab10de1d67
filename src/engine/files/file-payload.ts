/** What a message with files says, before and after its files are up. Pure. */
import type { SealedFile } from "#peer/file-transfer.ts";
import type { Attachment, KnownPayload } from "#protocol/payload.ts";
import type { FileMessage } from "./file-messages.ts";
import type { StagedFile } from "./staged-files.ts";

type Said = Pick<FileMessage, "text" | "mentions" | "reply">;

/** The message as it is sealed: one file without words is a file or an image, everything else a text with attachments. */
export const payloadOf = (
  said: Said,
  files: readonly { readonly file: StagedFile; readonly sealed: SealedFile }[],
): KnownPayload =>
  build(
    said,
    files.map(({ file, sealed }) => ({ ...sealed, ...describe(file) })),
  );

/** The row of a message whose files are on their way: the same, with no keys and the staged ids. */
export const pendingPayload = (said: Said, files: readonly StagedFile[]): KnownPayload =>
  build(
    said,
    files.map((file) => ({
      attachment_id: file.id,
      file_key: "",
      cipher: "parley-file-v1",
      size: file.sizeBytes,
      sha256: "",
      ...describe(file),
    })),
  );

const describe = ({ name, picture, declaredMime }: StagedFile) => ({
  filename: name,
  mime: picture?.mime ?? otherMime(declaredMime),
  ...(picture === null ? {} : { width: picture.width, height: picture.height }),
});

/** A hint for who handles it. What is no picture by its bytes is not called one. */
const otherMime = (declared: string): string =>
  /^(?:application|audio|font|model|text|video)\/[\w.+-]{1,80}$/.test(declared)
    ? declared
    : "application/octet-stream";

function build(
  { text, mentions, reply }: Said,
  attachments: readonly (Attachment & { readonly filename: string })[],
): KnownPayload {
  const shared = {
    ...(mentions.length === 0 ? {} : { mentions: [...mentions] }),
    ...(reply === null ? {} : { reply_to: reply }),
    attachments: [...attachments],
  };
  const [only, ...others] = attachments;
  if (text !== "" || only === undefined || others.length > 0)
    return { type: "text", text, ...shared };
  const { attachment_id, mime, filename, size } = only;
  return mime.startsWith("image/")
    ? { type: "image", attachment_id, ...shared }
    : { type: "file", attachment_id, filename, mime, size, ...shared };
}
