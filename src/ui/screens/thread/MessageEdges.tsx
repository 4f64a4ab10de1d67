/** What stands over a message or beside it: who wrote it and when, how far it is proven or got, and its tools. */
import type { ReactNode } from "react";
import type { MessageView } from "#stores/views.ts";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { MessageMeta } from "#ui/parts/MessageMeta.tsx";
import { sealOf } from "#ui/parts/part-for.tsx";
import styles from "./MessageEdges.module.css";

type EdgeProps = {
  message: MessageView;
  /** The pointer or the focus is on the row. */
  isAttended: boolean;
  /** The tools: they have a place of their own here, so that they lie over nothing. */
  children: ReactNode;
};

/**
 * The line over a message. A row that follows its author's last one leaves the name away; what is proven of it is read
 * out and shown to whoever looks at the row, what is not is always shown.
 */
export function MessageHead({
  message,
  isNamed,
  isAttended,
  children,
}: EdgeProps & { isNamed: boolean }) {
  const { authorId, authorName, authorKind, at } = message;
  const seal = sealOf(message);
  const isShown = isNamed || isAttended || seal === "open" || seal === "broken";
  return (
    <header className={styles.head} data-named={isNamed || undefined}>
      {isNamed && (
        <>
          <Avatar
            id={authorId}
            name={authorName}
            kind={authorKind === "agent" ? "agent" : "human"}
            size={24}
          />
          <bdi className={styles.author}>{authorName}</bdi>
        </>
      )}
      <span className={styles.meta} data-shown={isShown}>
        <MessageMeta at={at} seal={seal} delivery={null} />
      </span>
      <span className={styles.tools}>{children}</span>
    </header>
  );
}

/** The room beside a bubble. Within a run it says the time, and always what has not arrived yet. */
export function MessageSide({
  message,
  hasTime,
  isAttended,
  children,
}: EdgeProps & { hasTime: boolean }) {
  return (
    <div className={styles.side}>
      <div className={styles.beside}>
        {children}
        {hasTime && (
          <span className={styles.meta} data-shown={isAttended || isUnderWay(message)}>
            <MessageMeta at={message.at} delivery={message.delivery} />
          </span>
        )}
      </div>
    </div>
  );
}

export const isUnderWay = ({ delivery }: MessageView): boolean =>
  delivery?.status === "queued" || delivery?.status === "sending";
