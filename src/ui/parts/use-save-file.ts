import type { ConversationId, MessageId } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { saveBytes } from "#ui/kit/save-bytes.ts";

/** Fetches, checks and saves one file of a message. */
export function useSaveFile({
  conversationId,
  id,
  attachmentId,
}: {
  readonly conversationId: ConversationId;
  readonly id: MessageId;
  readonly attachmentId: string;
}): () => Promise<void> {
  const { clock, files } = useStores();
  return async () => {
    const ref = { conversationId, messageId: id, attachmentId };
    const file = await files.getState().fetch(ref);
    if (file !== null) saveBytes(clock, file.bytes, file.name);
  };
}
