import { useEffect } from "react";
import type { ConversationView, GroupView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { PairAvatar } from "#ui/kit/Avatar.tsx";

type GroupFaceProps = { view: ConversationView; size: 32 | 40 };

/** A group: its own picture where that lies here, else its first two others. */
export function GroupFace({ view, size }: GroupFaceProps) {
  const url = useGroupPicture(view, view.group?.picture ?? null);
  const members = view.members
    .filter(({ isSelf }) => !isSelf)
    .map(({ id, name, kind }) => ({ id, name, kind }));
  return (
    <PairAvatar id={view.id} name={view.title} members={members} size={size} pictureUrl={url} />
  );
}

/** Its address in this page. One that lies here is opened at once; drawing it asks nobody. */
function useGroupPicture(
  { id: conversationId }: ConversationView,
  picture: GroupView["picture"],
): string | null {
  const { files } = useStores();
  const attachmentId = picture?.attachmentId ?? "";
  const messageId = picture?.messageId;
  const isHere = picture?.isHere === true;
  const shown = useStore("files", ({ pictureById }) => pictureById[attachmentId]);
  useEffect(() => {
    if (attachmentId === "") return undefined;
    const { look, release } = files.getState();
    look(attachmentId);
    return () => release(attachmentId);
  }, [files, attachmentId]);
  useEffect(() => {
    if (isHere && messageId !== undefined)
      void files.getState().show({ conversationId, messageId, attachmentId });
  }, [files, isHere, conversationId, messageId, attachmentId]);
  return attachmentId !== "" && shown?.status === "shown" ? shown.url : null;
}
