/** Several files as one card: each is sealed and uploaded, then one message shows them together. */
import type { MediaCard } from "#protocol/media-card.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { Attachment } from "#protocol/payload.ts";
import type { AgentFiles, FileUpload } from "../files/agent-files.ts";
import type { ArtifactReceipt, ArtifactSender } from "./artifact-sender.ts";

export type MediaInput = {
  readonly title?: string;
  /** How they lie; the client chooses where this is left out. */
  readonly layout?: NonNullable<MediaCard["layout"]>;
  /** 1 to 20. */
  readonly items: readonly (Omit<FileUpload, "send_as" | "transcript"> & {
    readonly kind: "image" | "video" | "audio";
    readonly caption?: string;
  })[];
};

/** Uploads the items one after the other and sends their card. @throws {@link HasheeError} */
export async function sendMedia(
  { files, artifacts }: { readonly files: AgentFiles; readonly artifacts: ArtifactSender },
  conversationId: ConversationId,
  { title = "", layout, items }: MediaInput,
): Promise<ArtifactReceipt> {
  const attachments: Attachment[] = [];
  const shown: MediaCard["items"] = [];
  for (const { kind, caption, ...file } of items) {
    const { attachment } = await files.upload(conversationId, { ...file, send_as: null });
    const { conversation_id: _where, ...sealed } = attachment;
    attachments.push(sealed);
    shown.push({
      attachment_id: sealed.attachment_id,
      kind,
      ...(file.alt === undefined ? {} : { alt: file.alt }),
      ...(caption === undefined ? {} : { caption }),
      ...(file.thumbnail === undefined ? {} : { thumbnail: file.thumbnail }),
      ...(file.duration_s === undefined ? {} : { duration_s: file.duration_s }),
    });
  }
  const payload: MediaCard = { items: shown, ...(layout === undefined ? {} : { layout }) };
  return artifacts.send(conversationId, { subtype: "media", title, payload }, attachments);
}
