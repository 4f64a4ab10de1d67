import { useMemo } from "react";
import type { Result } from "#base/result.ts";
import { createDeviceTools } from "#stores/device-tools.ts";
import { checkFormValues } from "#stores/form.ts";
import type { BridgeFailure, ConversationId } from "#stores/views.ts";
import { useRouter, useStores } from "#ui/StoresContext.tsx";
import { threadRoute } from "#ui/routes.ts";
import type { RowActions } from "./RowContext.tsx";
import { settleToolCall, TOOL_RESULT_ACTION } from "./settle-tool-call.ts";

/** What rows of a conversation may do, made once per conversation. */
export function useMakeRowActions(
  conversationId: ConversationId,
  onReply: RowActions["onReply"],
): RowActions {
  const { calls, cards, clock, contacts, notices, thread } = useStores();
  const router = useRouter();
  return useMemo(() => {
    const tell = async (answer: Promise<Result<null, BridgeFailure>>): Promise<void> => {
      const answered = await answer;
      if (!answered.ok) notices.showFailure(answered.failure);
    };
    const tellCard = async (
      artifactId: Parameters<RowActions["onDraft"]>[0],
      isSent: Promise<boolean>,
    ) => {
      if (await isSent) return;
      const progress = cards.getState().progressById[artifactId];
      if (progress?.status === "failed") notices.showFailure(progress.failure);
    };
    const { answer, decide, fill } = cards.getState();
    const tools = createDeviceTools({
      clock,
      timeZone: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
      locale: () => navigator.language,
      writeClipboard: (text) => navigator.clipboard.writeText(text),
    });
    return {
      checkForm: checkFormValues,
      onDraft: (artifactId, values) => fill({ conversationId, artifactId }, values),
      onAnswer: (artifactId, actionId, values) =>
        void tellCard(artifactId, answer({ conversationId, artifactId }, actionId, values)),
      onDecide: (artifactId, optionId, reason, despiteUnverified) =>
        void tellCard(
          artifactId,
          decide({ conversationId, artifactId }, optionId, reason, despiteUnverified),
        ),
      lookAtTool: ({ tool_name, arguments: args }) => tools.look(tool_name, args),
      onTool: (artifactId, call, word) =>
        void tellCard(
          artifactId,
          settleToolCall(tools, clock, call, word).then((values) =>
            answer({ conversationId, artifactId }, TOOL_RESULT_ACTION, values),
          ),
        ).then(() => {
          const scope = call.permission_scope;
          if (word === "allow" && scope !== undefined)
            void tell(calls.allowScope({ conversationId, scope }));
        }),
      onFailureAction: (_message, action) => {
        if (action === "retry") void thread.getState().reload();
      },
      onInvite: (url) => void contacts.getState().openInvite(url),
      onConversation: (id) => router.go(threadRoute(id)),
      onReply,
      onJump: (messageId) => void thread.getState().showMessage(messageId),
      onReact: ({ id: messageId }, emoji, op) =>
        void tell(calls.react({ conversationId, messageId, emoji, op })),
      onPin: ({ id: messageId }, pinned) =>
        void tell(calls.pinMessage({ conversationId, messageId, pinned })),
      onRecall: ({ id: messageId }) => void tell(calls.recall({ conversationId, messageId })),
      onRetry: ({ id: messageId }) => void tell(calls.retrySend({ conversationId, messageId })),
      onDiscard: ({ id: messageId }) =>
        void tell(calls.discardFailed({ conversationId, messageId })),
    };
  }, [calls, cards, clock, contacts, notices, router, thread, conversationId, onReply]);
}
