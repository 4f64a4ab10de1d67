import { useState, type FocusEvent, type SyntheticEvent } from "react";
import type { MessageView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Menu, MenuItem, MenuSeparator } from "#ui/kit/Menu.tsx";
import { useCopy } from "#ui/markdown/use-copy.ts";
import { ReactionPicker } from "#ui/parts/Reactions.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./MessageTools.module.css";
import { plainText } from "./plain-text.ts";
import { useRowActions } from "./RowContext.tsx";

export type Attention = {
  readonly isOn: boolean;
  readonly attend: () => void;
  readonly handlers: {
    readonly onPointerEnter: () => void;
    readonly onPointerLeave: (event: SyntheticEvent<HTMLElement>) => void;
    readonly onFocus: () => void;
    readonly onBlur: (event: FocusEvent<HTMLElement>) => void;
  };
};

/** Whether a pointer or the focus is on a row. Tools are drawn only then: hundreds of rows would pay for them otherwise. */
export function useRowAttention(): Attention {
  const [isOn, setIsOn] = useState(false);
  const attend = (): void => setIsOn(true);
  const leave = (row: HTMLElement, focused: EventTarget | null): void => {
    const isInside = focused instanceof Node && row.contains(focused);
    const isOpen = row.querySelector('[aria-expanded="true"]') !== null;
    if (!isInside && !isOpen) setIsOn(false);
  };
  return {
    isOn,
    attend,
    handlers: {
      onPointerEnter: attend,
      onPointerLeave: (event) => leave(event.currentTarget, document.activeElement),
      onFocus: attend,
      onBlur: (event) => leave(event.currentTarget, event.relatedTarget),
    },
  };
}

type MessageToolsProps = {
  message: MessageView;
  canReact: boolean;
  /** Whether it is pinned; "none" where this person does not pin. */
  pinning: "none" | "free" | "pinned";
  attention: Attention;
};

/** What one can do with a message. */
export function MessageTools({ message, canReact, pinning, attention }: MessageToolsProps) {
  const t = useText();
  const { onReact, onReply } = useRowActions();
  const isSettled = message.seq !== null && hasContent(message);
  if (!attention.isOn)
    return (
      // For those who reach rows by reading them: hover and focus do not happen there.
      <button type="button" className={styles.opener} tabIndex={-1} onClick={attention.attend}>
        {t("message.actions")}
      </button>
    );
  return (
    <div className={styles.tools} role="toolbar" aria-label={t("message.actions")}>
      {isSettled && canReact && (
        <>
          <ReactionPicker
            trigger={
              <IconButton icon="react" size="small" tooltip={false} label={t("message.react")} />
            }
            onPick={(emoji) => onReact(message, emoji, "add")}
          />
          <IconButton
            icon="reply"
            size="small"
            label={t("message.reply")}
            onClick={() => onReply(message)}
          />
        </>
      )}
      <MoreMenu message={message} pinning={isSettled ? pinning : "none"} />
    </div>
  );
}

function MoreMenu({ message, pinning }: Pick<MessageToolsProps, "message" | "pinning">) {
  const t = useText();
  const { clock } = useStores();
  const { onPin, onRecall } = useRowActions();
  const { copy } = useCopy();
  const { body, canRecallUntil, id } = message;
  const mayRecall = canRecallUntil !== null && canRecallUntil > clock.now();
  // What is not proven yet is not to be handed on as if it were.
  const mayCopy = body.kind === "text" || (body.kind === "turn" && body.turn.text !== "");
  if (!mayCopy && !mayRecall && pinning === "none") return null;
  return (
    <Menu
      trigger={<IconButton icon="more" size="small" tooltip={false} label={t("general.more")} />}
    >
      {mayCopy && (
        <MenuItem icon="copy" onSelect={() => copy(drawnText(id) ?? plainText(message))}>
          {t("message.copyText")}
        </MenuItem>
      )}
      {mayCopy && (body.kind === "turn" || body.markdown) && (
        <MenuItem icon="note" onSelect={() => copy(plainText(message))}>
          {t("message.copyMarkdown")}
        </MenuItem>
      )}
      {pinning !== "none" && (
        <MenuItem icon="pin" onSelect={() => onPin(message, pinning === "free")}>
          {pinning === "free" ? t("message.pin") : t("message.unpin")}
        </MenuItem>
      )}
      {mayRecall && (
        <>
          {mayCopy && <MenuSeparator />}
          <MenuItem icon="undo" danger onSelect={() => onRecall(message)}>
            {t("message.recall")}
          </MenuItem>
        </>
      )}
    </Menu>
  );
}

/** The words as they stand on the page, without the marks they were written with. */
const drawnText = (id: string): string | undefined =>
  document.querySelector<HTMLElement>(`[data-message-id="${CSS.escape(id)}"] [data-body]`)
    ?.innerText;

const hasContent = ({ body }: MessageView): boolean =>
  body.kind === "text" ||
  body.kind === "card" ||
  body.kind === "media" ||
  body.kind === "link" ||
  body.kind === "contact";
