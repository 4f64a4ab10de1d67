import { useState } from "react";
import type { ConversationView, PinView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Menu, MenuItem } from "#ui/kit/Menu.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./ThreadBanners.module.css";

/** What was pinned here, behind one line over the rows; each leads to its message. */
export function PinnedBar({ view }: { view: ConversationView }) {
  const t = useText();
  const { calls, notices, thread } = useStores();
  const [pins, setPins] = useState<readonly PinView[] | null>(null);
  const { id: conversationId, pinnedIds } = view;
  if (pinnedIds.length === 0) return null;
  const load = async (isOpen: boolean): Promise<void> => {
    if (!isOpen) return setPins(null);
    const answer = await calls.listPins({ conversationId });
    if (answer.ok) setPins(answer.value);
    else notices.showFailure(answer.failure);
  };
  return (
    <div className={styles.pins}>
      <Menu
        align="start"
        onOpenChange={(isOpen) => void load(isOpen)}
        trigger={
          <Button size="small" variant="quiet" icon="pin">
            {t("thread.pinned", { count: pinnedIds.length })}
          </Button>
        }
      >
        {pins?.map(({ messageId, authorName, text }) => (
          <MenuItem
            key={messageId}
            onSelect={() => void thread.getState().showMessage(messageId)}
            hint={authorName}
          >
            <bdi>{text === "" ? t("thread.pinnedWordless") : text}</bdi>
          </MenuItem>
        ))}
        {pins?.length === 0 && (
          <MenuItem disabled onSelect={() => {}}>
            {t("thread.pinnedElsewhere")}
          </MenuItem>
        )}
      </Menu>
    </div>
  );
}
