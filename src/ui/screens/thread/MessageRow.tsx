import { memo, useMemo } from "react";
import { selectCardProgress } from "#stores/cards-store.ts";
import { withLiveText } from "#stores/thread-rows.ts";
import type { ArtifactId, ConversationView, MessageView } from "#stores/views.ts";
import { useStore } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { FileList } from "#ui/parts/FileList.tsx";
import { MessageMeta } from "#ui/parts/MessageMeta.tsx";
import { partFor } from "#ui/parts/part-for.tsx";
import { Reactions } from "#ui/parts/Reactions.tsx";
import { ReplyQuote } from "#ui/parts/ReplyQuote.tsx";
import { failureWords } from "#ui/text/failures.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { DayLine, GapLine, UnreadLine } from "./DividerLines.tsx";
import { isUnderWay, MessageHead, MessageSide } from "./MessageEdges.tsx";
import styles from "./MessageRow.module.css";
import { MessageTools, useRowAttention } from "./MessageTools.tsx";
import { plainText } from "./plain-text.ts";
import { useRowActions } from "./RowContext.tsx";
import type { ThreadLine } from "./thread-lines.ts";

type MessageRowProps = { line: ThreadLine; view: ConversationView; isMarked: boolean };

/** One message in the reading column. It listens to its own row only, so that a stream draws nothing else anew. */
export const MessageRow = memo(function MessageRow({ line, view, isMarked }: MessageRowProps) {
  const row = useStore("thread", ({ messageById }) => messageById.get(line.id));
  const liveText = useStore("thread", ({ liveTextById }) => liveTextById[line.id]);
  const message = useMemo(
    () => (row === undefined ? null : withLiveText(row, liveText)),
    [row, liveText],
  );
  if (message === null) return <div />;
  return (
    <div
      className={styles.line}
      data-page={isPageOf(message) || undefined}
      data-starts={line.startsRun || undefined}
    >
      {line.startsDay && <DayLine at={message.at} />}
      {line.startsUnread && <UnreadLine />}
      {message.hasGapBefore && <GapLine name={message.authorName} />}
      {message.body.kind === "system" || message.body.kind === "missing" ? (
        <div className={styles.column}>
          <Body message={message} />
        </div>
      ) : (
        <Message {...{ message, line, view, isMarked }} />
      )}
    </div>
  );
});

/** What an agent says stands on the page itself; people speak in bubbles. */
const isPageOf = ({ isSelf, authorKind }: MessageView): boolean =>
  !isSelf && authorKind === "agent";

type MessageProps = MessageRowProps & { message: MessageView };

function Message({ message, line, view, isMarked }: MessageProps) {
  const t = useText();
  const { time } = useFormats();
  const attention = useRowAttention();
  const actions = useRowActions();
  const { authorName, at, body, isSelf } = message;
  const isPage = isPageOf(message);
  const isNamed = !isSelf && line.startsRun && (isPage || view.kind === "group");
  const hasBubble = !isPage && (body.kind === "text" || body.kind === "stream");
  // Files alone are no text, though they travel as one.
  const isBare = body.kind === "text" && body.text === "" && message.attachments.length > 0;
  const name = isSelf ? t("message.you") : authorName;
  // On its way, and there is none from a device that was removed.
  const isStranded = isUnderWay(message) && isShutOut(view);
  const tools = (
    <MessageTools
      message={message}
      pinning={
        !view.sending.allowed || !view.can.includes("pin")
          ? "none"
          : view.pinnedIds.includes(message.id)
            ? "pinned"
            : "free"
      }
      canReact={view.sending.allowed && view.can.includes("react")}
      attention={attention}
    />
  );
  return (
    <article
      className={styles.column}
      data-side={isSelf ? "self" : isPage ? "page" : "other"}
      data-marked={isMarked || undefined}
      data-mentioned={message.mentionsMe || undefined}
      data-message-id={message.id}
      tabIndex={-1}
      aria-label={t("message.from", { name, time: time(at) })}
      {...attention.handlers}
    >
      {(isPage || isNamed) && (
        <MessageHead message={message} isNamed={isNamed} isAttended={attention.isOn}>
          {isPage && tools}
        </MessageHead>
      )}
      <div className={styles.content}>
        {message.replyTo !== null && <ReplyQuote reply={message.replyTo} onJump={actions.onJump} />}
        {!isBare && (
          <div className={hasBubble ? styles.bubble : styles.plain} data-body="">
            <Body message={message} />
          </div>
        )}
        {body.kind === "text" && message.attachments.length > 0 && <FileList message={message} />}
        <Reactions
          reactions={message.reactions}
          onToggle={(emoji, op) => actions.onReact(message, emoji, op)}
        />
        {!isPage && line.endsRun && !isNamed && !isFailed(message) && !isStranded && (
          <div className={styles.meta}>
            <MessageMeta at={at} delivery={message.delivery} />
          </div>
        )}
        <NotSent message={message} />
        {isStranded && <p className={styles.failed}>{t("sending.stranded")}</p>}
      </div>
      {!isPage && (
        <MessageSide
          message={message}
          hasTime={!isNamed && !line.endsRun && !isFailed(message) && !isStranded}
          isAttended={attention.isOn}
        >
          {tools}
        </MessageSide>
      )}
    </article>
  );
}

function Body({ message }: { message: MessageView }) {
  const t = useText();
  const actions = useRowActions();
  const artifactId =
    message.body.kind === "card" ? message.body.artifact.artifactId : ("" as ArtifactId);
  const isBusy = useStore("cards", selectCardProgress(artifactId)).status === "busy";
  return useMemo(
    () => partFor(withNames(message), { actions, isBusy, t }),
    [message, actions, isBusy, t],
  );
}

/** Text without Markdown has no drawing of mentions; the names stand in it as words. */
function withNames(message: MessageView): MessageView {
  const { body } = message;
  if (body.kind !== "text" || body.markdown) return message;
  return { ...message, body: { ...body, text: plainText(message) } };
}

const isShutOut = ({ sending }: ConversationView): boolean =>
  !sending.allowed && sending.because === "device-removed";

const isFailed = ({ delivery }: MessageView): boolean => delivery?.status === "failed";

/** A message that did not leave: why, and the two ways on. */
function NotSent({ message }: { message: MessageView }) {
  const t = useText();
  const { sentences } = useFormats();
  const { onDiscard, onRetry } = useRowActions();
  if (message.delivery?.status !== "failed") return null;
  const words = failureWords(message.delivery.failure);
  return (
    <div className={styles.failed} role="alert" data-failure={message.delivery.failure}>
      <span>{sentences(t("delivery.failed"), t(words.title))}</span>
      <span>
        <Button size="small" variant="quiet" onClick={() => onRetry(message)}>
          {t("general.retry")}
        </Button>
        <Button size="small" variant="quiet" onClick={() => onDiscard(message)}>
          {t("delivery.discard")}
        </Button>
      </span>
    </div>
  );
}
