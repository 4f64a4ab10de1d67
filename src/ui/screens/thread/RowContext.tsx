import { createContext, useContext } from "react";
import type { MessageId, MessageView } from "#stores/views.ts";
import type { PartActions } from "#ui/parts/part-for.tsx";

/** What a row may ask of the thread around it; stable while the thread is open. */
export type RowActions = PartActions & {
  readonly onReply: (message: MessageView) => void;
  readonly onJump: (messageId: MessageId) => void;
  readonly onReact: (message: MessageView, emoji: string, op: "add" | "remove") => void;
  readonly onPin: (message: MessageView, pinned: boolean) => void;
  readonly onRecall: (message: MessageView) => void;
  readonly onRetry: (message: MessageView) => void;
  readonly onDiscard: (message: MessageView) => void;
};

const Context = createContext<RowActions | null>(null);
export const RowActionsProvider = Context.Provider;

export function useRowActions(): RowActions {
  const actions = useContext(Context);
  if (actions === null) throw new Error("Rows stand inside a thread.");
  return actions;
}
