import { useState, type ClipboardEvent, type DragEvent } from "react";
import type { ConversationId } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";

/** Takes files that are chosen, dropped or pasted. */
export function useAttachFiles(conversationId: ConversationId): (files: readonly File[]) => void {
  const { files } = useStores();
  return (chosen) => {
    if (chosen.length === 0) return;
    const named = chosen.map((file) => ({ name: file.name, bytes: file }));
    void files.getState().attach(conversationId, named);
  };
}

/** Whether files hang over the thread, and what its frame listens to. A drop is never let through: it would open the file. */
export function useFileDrop(isOffered: boolean, onFiles: (files: readonly File[]) => void) {
  const [depth, setDepth] = useState(0);
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes("Files");
  return {
    isOver: isOffered && depth > 0,
    handlers: {
      onDragEnter(event: DragEvent) {
        if (hasFiles(event)) setDepth((before) => before + 1);
      },
      onDragLeave(event: DragEvent) {
        if (hasFiles(event)) setDepth((before) => Math.max(0, before - 1));
      },
      onDragOver(event: DragEvent) {
        if (!hasFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = isOffered ? "copy" : "none";
      },
      onDrop(event: DragEvent) {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setDepth(0);
        if (isOffered) onFiles([...event.dataTransfer.files]);
      },
    },
  };
}

/** Files of a paste. Text that came with them is what was meant, so it is pasted as ever. */
export function pastedFiles(event: ClipboardEvent): readonly File[] {
  const { files, types } = event.clipboardData;
  return types.includes("text/plain") ? [] : [...files];
}
