import { useCallback, useEffect, useRef, useState } from "react";
import { selectIsUnsaid, type ThreadState } from "#stores/thread-store.ts";
import type {
  ConversationId,
  ConversationView,
  MessageId,
  MessageView,
  TurnView,
} from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { FetchedOverlay } from "#ui/fetching/FetchedOverlay.tsx";
import { Fetching } from "#ui/fetching/Fetching.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Sheet } from "#ui/kit/Dialog.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { ChannelBar } from "#ui/screens/channels/ChannelBar.tsx";
import { DetailsPanel, SecuritySheet } from "#ui/screens/fetched-screens.ts";
import { AppLink } from "#ui/screens/shell/AppLink.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import type { Layout } from "#ui/screens/shell/use-media.ts";
import { useText } from "#ui/text/text.tsx";
import { Composer } from "./Composer.tsx";
import { EmptyThread } from "./EmptyThread.tsx";
import { focusRow, MessageList } from "./MessageList.tsx";
import { RowActionsProvider } from "./RowContext.tsx";
import { KeyChangeBanner, LedgerBanner, SendingNote } from "./ThreadBanners.tsx";
import { PinnedBar } from "./PinnedBar.tsx";
import { ThreadHeader } from "./ThreadHeader.tsx";
import styles from "./ThreadScreen.module.css";
import { TypingRow } from "./TypingRow.tsx";
import { DropHint } from "./DropHint.tsx";
import { useAttachFiles, useFileDrop } from "./use-file-drop.ts";
import { useMakeRowActions } from "./use-row-actions.ts";

type ThreadScreenProps = {
  conversationId: ConversationId;
  messageId: MessageId | null;
  layout: Layout;
};

/** One conversation: its head, its rows, the place to write, and a drawer with the details. */
export function ThreadScreen({ conversationId, messageId, layout }: ThreadScreenProps) {
  const t = useText();
  const { thread } = useStores();
  const view = useStore("conversations", ({ byId }) => byId[conversationId]);
  const isListed = useStore("conversations", ({ status }) => status !== "loading");
  useEffect(
    () => void thread.getState().open(conversationId, messageId),
    [thread, conversationId, messageId],
  );
  useEffect(() => () => thread.getState().close(), [thread]);
  if (view === undefined)
    return isListed ? (
      <div className={styles.middle}>
        <h1 className={styles.goneTitle}>{t("thread.gone")}</h1>
        <p className={styles.quiet}>{t("thread.goneHelp")}</p>
        {layout === "narrow" && (
          <AppLink to={{ screen: "home" }} className={styles.goneLink}>
            <Icon name="back" />
            {t("list.title")}
          </AppLink>
        )}
      </div>
    ) : (
      <div className={styles.loading}>
        <Skeleton lines={6} label={t("general.loading")} />
      </div>
    );
  return <OpenThread key={conversationId} view={view} layout={layout} />;
}

function OpenThread({ view, layout }: { view: ConversationView; layout: Layout }) {
  const t = useText();
  const { thread } = useStores();
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const [isSecurityOpen, setSecurityOpen] = useState(false);
  const openSecurity = (): void => setSecurityOpen(true);
  const details = (
    <Fetching lines={6}>
      <DetailsPanel view={view} onSecurity={openSecurity} />
    </Fetching>
  );
  return (
    <div className={styles.screen}>
      <section className={styles.main} aria-label={t("thread.label", { title: view.title })}>
        <ThreadHeader
          view={view}
          isNarrow={layout === "narrow"}
          isDrawerOpen={isDrawerOpen}
          onSecurity={openSecurity}
          onDetails={() => setDrawerOpen(!isDrawerOpen)}
        />
        <KeyChangeBanner view={view} onCompare={openSecurity} />
        <LedgerBanner view={view} onCheck={() => void thread.getState().reload()} />
        <ChannelBar view={view} />
        <PinnedBar view={view} />
        <Talk view={view} />
      </section>
      {layout === "wide" ? (
        isDrawerOpen && (
          <aside className={styles.drawer} aria-label={t("details.title")}>
            {details}
          </aside>
        )
      ) : (
        <Sheet open={isDrawerOpen} onOpenChange={setDrawerOpen} title={t("details.title")}>
          {details}
        </Sheet>
      )}
      <FetchedOverlay open={isSecurityOpen}>
        <SecuritySheet view={view} open={isSecurityOpen} onOpenChange={setSecurityOpen} />
      </FetchedOverlay>
    </div>
  );
}

/** The rows and the composer, and what passes between them. */
function Talk({ view }: { view: ConversationView }) {
  const { calls, composer, thread } = useStores();
  const field = useRef<HTMLTextAreaElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const live = useStore("thread", selectLive);
  const { id } = view;
  const onReply = useCallback(
    (message: MessageView) => {
      composer.getState().setReply(id, message);
      field.current?.focus();
    },
    [composer, id],
  );
  const actions = useMakeRowActions(id, onReply);
  const attach = useAttachFiles(id);
  const drop = useFileDrop(view.sending.allowed && view.can.includes("files"), attach);
  const stop = (): void => {
    if (live?.body.kind === "turn")
      void calls.runOnChannel({ conversationId: id, command: { type: "stop" } });
    if (live?.body.kind !== "stream") return;
    void calls.stopStream({ conversationId: id, streamId: live.body.stream.streamId });
  };
  const toMessages = (): void => {
    const newest = thread.getState().order.at(-1);
    const log = frame.current?.querySelector<HTMLElement>("[data-scroller]");
    if (newest !== undefined && log !== null && log !== undefined) focusRow(log, newest);
  };
  return (
    <RowActionsProvider value={actions}>
      <div ref={frame} className={styles.talk} {...drop.handlers}>
        <Rows view={view} isBusy={live !== null} />
        <TypingRow view={view} />
        {view.sending.allowed ? (
          <Composer
            view={view}
            field={field}
            live={live}
            onStop={stop}
            onSent={() => void thread.getState().showNewest()}
            onFiles={attach}
            onToMessages={toMessages}
          />
        ) : (
          <SendingNote view={view} />
        )}
        {drop.isOver && <DropHint />}
      </div>
    </RowActionsProvider>
  );
}

function Rows({ view, isBusy }: { view: ConversationView; isBusy: boolean }) {
  const t = useText();
  const { thread } = useStores();
  const status = useStore("thread", (state) => state.status);
  const isOurs = useStore("thread", (state) => state.conversationId === view.id);
  const isUnsaid = useStore("thread", selectIsUnsaid);
  const failure = useStore("thread", (state) => state.failure);
  if (!isOurs || status === "loading" || status === "closed")
    return (
      <div className={styles.loading}>
        <Skeleton lines={6} label={t("general.loading")} />
      </div>
    );
  if (status === "failed")
    return (
      <div className={styles.middle}>
        <h2 className={styles.goneTitle}>{t("thread.failed")}</h2>
        <FailureNote failure={failure} />
        <Button onClick={() => void thread.getState().reload()}>{t("general.retry")}</Button>
      </div>
    );
  if (isUnsaid) return <EmptyThread view={view} />;
  return <MessageList view={view} isBusy={isBusy} />;
}

const isAtWork = ({ status }: TurnView): boolean => status !== "ended";

/** Streams stand near the end, so only the last rows are looked at. */
const LOOK_BACK = 40;

function selectLive({ order, messageById }: ThreadState): MessageView | null {
  for (const id of order.slice(-LOOK_BACK).reverse()) {
    const message = messageById.get(id);
    if (message?.isSelf === false && message.body.kind === "turn" && isAtWork(message.body.turn))
      return message;
    if (message?.isSelf !== false || message.body.kind !== "stream") continue;
    const { status } = message.body.stream;
    if (status === "live" || status === "stopping") return message;
  }
  return null;
}
