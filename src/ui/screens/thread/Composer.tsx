import {
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type RefObject,
} from "react";
import { selectDraft } from "#stores/composer-store.ts";
import { selectTray } from "#stores/files-store.ts";
import { MAX_TEXT_UNITS } from "#stores/limits.ts";
import {
  findMentionQuery,
  makeMentionChoices,
  matchMentions,
  pickMention,
  type MentionChoice,
  type MentionQuery,
} from "#stores/mentions.ts";
import type { ConversationView, MessageView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { useText } from "#ui/text/text.tsx";
import { composerIntent, type ComposerIntent } from "./composer-keys.ts";
import styles from "./Composer.module.css";
import { FileTray } from "./FileTray.tsx";
import { MentionList, optionId } from "./MentionList.tsx";
import { ReplyPreview } from "./ReplyPreview.tsx";
import { SendButton } from "./SendButton.tsx";
import { pastedFiles } from "./use-file-drop.ts";

type ComposerProps = {
  view: ConversationView;
  field: RefObject<HTMLTextAreaElement | null>;
  /** The answer that is arriving, if one is. */
  live: MessageView | null;
  onStop: () => void;
  onSent: () => void;
  onFiles: (files: readonly File[]) => void;
  onToMessages: () => void;
};

/** Where one writes. What is typed is kept from the first key on. */
export function Composer(props: ComposerProps) {
  const { view, field, live, onStop, onSent, onFiles, onToMessages } = props;
  const t = useText();
  const { composer, files } = useStores();
  const draft = useStore("composer", selectDraft(view.id));
  const enterSends = useStore("settings", (state) => state.enterSends);
  const { begin, send, setReply, write } = composer.getState();
  const mention = useMentions(view, draft.text, field, (text) => write(view.id, text));
  const over = draft.text.length - MAX_TEXT_UNITS;
  const tray = useStore("files", selectTray(view.id));
  const takesFiles = view.can.includes("files");
  const isEmpty = draft.text.trim() === "" && tray.length === 0;
  const isReady = tray.every(({ status }) => status === "ready");
  useEffect(() => begin(view.id), [begin, view.id]);
  useEffect(() => {
    if (takesFiles) void files.getState().begin(view.id);
  }, [files, takesFiles, view.id]);
  useAutoGrow(field, draft.text);

  const submit = async (): Promise<void> => {
    if (isEmpty || over > 0 || !isReady) return;
    const sending = send(view.id);
    onSent();
    field.current?.focus();
    await sending;
  };
  const actions: Readonly<Record<Exclude<ComposerIntent, "none">, () => void>> = {
    send: () => void submit(),
    stop: onStop,
    "to-messages": onToMessages,
    "cancel-reply": () => setReply(view.id, null),
    "mention-next": () => mention.move(1),
    "mention-previous": () => mention.move(-1),
    "mention-pick": () => mention.pick(mention.active),
    "mention-close": mention.close,
  };
  const handleKey = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    const { key, keyCode, shiftKey, ctrlKey, metaKey, altKey, nativeEvent } = event;
    const { isComposing } = nativeEvent;
    const intent = composerIntent(
      { key, keyCode, isComposing, shiftKey, ctrlKey, metaKey, altKey },
      {
        enterSends,
        isEmpty: draft.text === "",
        isMentioning: mention.choices.length > 0,
        isReplying: draft.replyTo !== null,
        isStreaming: live !== null,
      },
    );
    if (intent === "none") return;
    event.preventDefault();
    event.stopPropagation();
    actions[intent]();
  };
  const name = t("composer.label", { title: view.title });
  return (
    <div className={styles.composer}>
      <MentionList choices={mention.choices} active={mention.active} onPick={mention.pick} />
      <div className={styles.box}>
        {draft.replyTo !== null && (
          <ReplyPreview message={draft.replyTo} onCancel={() => setReply(view.id, null)} />
        )}
        <FileTray conversationId={view.id} />
        <div className={styles.line}>
          {takesFiles && <AttachButton onFiles={onFiles} />}
          {view.kind === "group" && (
            <IconButton
              icon="mention"
              label={t("composer.mention")}
              onClick={() => mention.begin()}
            />
          )}
          <textarea
            ref={field}
            className={styles.field}
            rows={1}
            dir="auto"
            aria-label={name}
            placeholder={name}
            value={draft.text}
            enterKeyHint={enterSends ? "send" : "enter"}
            {...mention.aria}
            onChange={(event) => {
              write(view.id, event.currentTarget.value);
              mention.look();
            }}
            onSelect={mention.look}
            onBlur={mention.close}
            onKeyDown={handleKey}
            onPaste={(event) => {
              const pasted = takesFiles ? pastedFiles(event) : [];
              if (pasted.length === 0) return;
              event.preventDefault();
              onFiles(pasted);
            }}
          />
          <SendButton
            canSend={!isEmpty && over <= 0 && isReady}
            isEmpty={isEmpty}
            live={live}
            onSend={() => void submit()}
            onStop={onStop}
          />
        </div>
        <p className={styles.over} role="status">
          {over > 0 ? t("composer.tooLong", { over }) : ""}
        </p>
      </div>
    </div>
  );
}

function AttachButton({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const t = useText();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton icon="attach" label={t("files.attach")} onClick={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t("files.attach")}
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          // The same file may be chosen again.
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}

/** Grows with its text up to the limit that the stylesheet sets, for browsers that cannot by themselves. */
function useAutoGrow(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null || CSS.supports("field-sizing", "content")) return;
    element.style.blockSize = "auto";
    element.style.blockSize = `${element.scrollHeight}px`;
  }, [field, text]);
}

const LIST_ID = "composer-mentions";

/** Offers names while one is typed after an `@`. */
function useMentions(
  view: ConversationView,
  text: string,
  field: RefObject<HTMLTextAreaElement | null>,
  onText: (text: string) => void,
) {
  const [query, setQuery] = useState<MentionQuery | null>(null);
  const [active, setActive] = useState(0);
  const caret = useRef<number | null>(null);
  const isOffered = view.kind === "group";
  const all = useMemo(() => makeMentionChoices(view.members), [view.members]);
  const choices: readonly MentionChoice[] =
    query === null || !isOffered ? [] : matchMentions(all, query.query).slice(0, 8);
  const current = choices[Math.min(active, choices.length - 1)];

  // The caret is put after React has written the text.
  useLayoutEffect(() => {
    if (caret.current === null) return;
    field.current?.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  }, [field, text]);

  const look = (): void => {
    const element = field.current;
    if (element === null || !isOffered) return;
    const { selectionStart, selectionEnd, value } = element;
    const found = selectionStart === selectionEnd ? findMentionQuery(value, selectionStart) : null;
    setQuery(found);
    if (found?.start !== query?.start) setActive(0);
  };
  const close = (): void => setQuery(null);
  return {
    choices,
    active: choices.length === 0 ? 0 : Math.min(active, choices.length - 1),
    look,
    close,
    move: (step: number) =>
      setActive((choices.length + Math.min(active, choices.length - 1) + step) % choices.length),
    pick(index: number) {
      const choice = choices[index];
      if (choice === undefined || query === null) return;
      const next = pickMention(text, query, choice);
      caret.current = next.caret;
      onText(next.text);
      close();
      field.current?.focus();
    },
    begin() {
      const element = field.current;
      if (element === null) return;
      const at = element.selectionStart;
      const space = at > 0 && !/\s/u.test(text[at - 1] ?? " ") ? " " : "";
      caret.current = at + space.length + 1;
      onText(`${text.slice(0, at)}${space}@${text.slice(at)}`);
      setQuery({ start: at + space.length, query: "" });
      element.focus();
    },
    aria: isOffered
      ? ({
          "aria-autocomplete": "list",
          "aria-haspopup": "listbox",
          ...(current === undefined
            ? {}
            : { "aria-controls": LIST_ID, "aria-activedescendant": optionId(current) }),
        } as const)
      : {},
  };
}
