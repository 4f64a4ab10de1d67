import { useCallback } from "react";
import type { ChannelCommandInput, ConversationId } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { showToast } from "#ui/kit/show-toast.ts";
import { failureWords } from "#ui/text/failures.ts";
import { useText } from "#ui/text/text.tsx";

/** Asks a plain agent for something; what cannot be taken is said in a toast. True when it was taken. */
export function useChannel(
  conversationId: ConversationId,
): (command: ChannelCommandInput) => Promise<boolean> {
  const t = useText();
  const { calls } = useStores();
  return useCallback(
    async (command) => {
      const result = await calls.runOnChannel({ conversationId, command });
      if (result.ok) return true;
      const words = failureWords(result.failure.kind);
      showToast({ kind: "failure", title: t(words.title), advice: t(words.advice) });
      return false;
    },
    [calls, conversationId, t],
  );
}
