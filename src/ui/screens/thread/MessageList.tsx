import {
  Fragment,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type RefObject,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { ThreadState } from "#stores/thread-store.ts";
import type { ConversationView, MessageId } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { classNames } from "#ui/kit/class-names.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { MessageRow } from "./MessageRow.tsx";
import styles from "./MessageList.module.css";
import { NewBelow } from "./NewBelow.tsx";
import { compareEnds, localDay, makeLines } from "./thread-lines.ts";
import { useFollow, type Follow } from "./use-follow.ts";

/** Older rows are asked for while this much is still above. */
const AHEAD_PX = 800;
const MARKED_MS = 2_400;
/**
 * Rows at the end that are always drawn. Where many come at once the list learns of its new place a frame after it
 * was taken there, and would show nothing meanwhile.
 */
const ROWS_KEPT = 16;

type MessageListProps = { view: ConversationView; isBusy: boolean };

/** The rows of the open thread. It follows its end, keeps its place when older rows come, and shows what was asked for. */
export function MessageList({ view, isBusy }: MessageListProps) {
  const t = useText();
  const { sentences } = useFormats();
  const { thread } = useStores();
  const { order, messageById, firstUnreadId, generation, hasBefore, isCut } = useStore(
    "thread",
    (state) => state,
  );
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const follow = useFollow(scroller);
  const shift = useShift(order);
  useToldOfShift(scroller, order, shift);
  const lines = useMemo(
    () => makeLines({ order, messageById }, firstUnreadId, localDay),
    [order, messageById, firstUnreadId],
  );
  const lastRows = useMemo(() => indexesOfLast(lines.length), [lines.length]);
  const readVisible = useReadMarker(scroller, list);
  useArrivals(follow, readVisible);
  const marked = usePlace(scroller, list, follow);

  const handleScroll = (): void => {
    const element = scroller.current;
    if (element === null) return;
    follow.settle();
    readVisible();
    const { loadAfter, loadBefore } = thread.getState();
    if (element.scrollTop < AHEAD_PX) void loadBefore();
    if (element.scrollHeight - element.clientHeight - element.scrollTop < AHEAD_PX)
      void loadAfter();
  };

  // A part of the first row: the list keeps its place when a row grows, and not when something over it does.
  const head = isCut ? (
    <p className={classNames(styles.beginning, styles.cut)}>
      {sentences(t("thread.cut"), t("thread.cutHelp"))}
    </p>
  ) : hasBefore ? null : (
    <p className={styles.beginning}>{t("thread.beginning")}</p>
  );

  return (
    <div className={styles.frame}>
      <div
        ref={scroller}
        className={styles.scroller}
        role="log"
        aria-label={t("thread.log")}
        aria-live="off"
        aria-busy={isBusy}
        tabIndex={0}
        data-scroller=""
        onKeyDown={(event) => walkRows(event, order, list.current)}
      >
        <div className={styles.push} />
        {lines.length === 0 && head}
        <Virtualizer
          key={generation}
          ref={list}
          scrollRef={scroller}
          data={lines}
          shift={shift}
          bufferSize={600}
          keepMounted={lastRows}
          onScroll={handleScroll}
          onResize={() => {
            follow.tell({ type: "content-grew" });
            // Rows may come into view by turning out smaller than they were thought to be.
            readVisible();
          }}
        >
          {(line, at) => (
            <Fragment key={line.id}>
              {at === 0 && head}
              <MessageRow line={line} view={view} isMarked={line.id === marked} />
            </Fragment>
          )}
        </Virtualizer>
      </div>
      <NewBelow follow={follow} />
    </div>
  );
}

const indexesOfLast = (count: number): readonly number[] =>
  Array.from({ length: Math.min(count, ROWS_KEPT) }, (_, at) => count - 1 - at).reverse();

/** Whether the newest change of the rows put some in front: then places are kept from the end. */
function useShift(order: ThreadState["order"]): boolean {
  const [known, setKnown] = useState({ order, shift: false });
  if (known.order === order) return known.shift;
  const shift = (compareEnds(known.order, order)?.inFront ?? 0) > 0;
  setKnown({ order, shift });
  return shift;
}

/**
 * The list hears of its own move past rows that came in front only with the next scroll event. Rows that turn out smaller
 * before that would make it take a reader near the top for one at the top, and send them there. So it hears at once.
 */
function useToldOfShift(
  scroller: RefObject<HTMLElement | null>,
  order: ThreadState["order"],
  shift: boolean,
): void {
  useLayoutEffect(() => {
    if (shift) queueMicrotask(() => scroller.current?.dispatchEvent(new Event("scroll")));
  }, [scroller, order, shift]);
}

/** Tells following about rows that came behind the last one. */
function useArrivals(follow: Follow, readVisible: () => void): void {
  const { order, messageById, hasAfter } = useStore("thread", (state) => state);
  const before = useRef({ order, hasAfter });
  const { tell } = follow;
  useLayoutEffect(() => {
    const { order: known, hasAfter: wasBehind } = before.current;
    before.current = { order, hasAfter };
    const behind = compareEnds(known, order)?.behind ?? [];
    const last = behind.at(-1);
    // Rows of a newer window were always there; they are no news.
    if (last === undefined || wasBehind) return;
    tell({
      type: "rows-came",
      count: behind.length,
      isOwn: messageById.get(last)?.isSelf === true,
    });
    readVisible();
  }, [order, messageById, hasAfter, tell, readVisible]);
}

/** Reports how far was read: to the end when it is in view, else to the last row that is whole in view. */
function useReadMarker(
  scroller: RefObject<HTMLElement | null>,
  list: RefObject<VirtualizerHandle | null>,
): () => void {
  const { thread } = useStores();
  const readSeq = useRef(-1);
  const generation = useStore("thread", (state) => state.generation);
  useEffect(() => {
    readSeq.current = -1;
  }, [generation]);
  const readVisible = useCallback(() => {
    const handle = list.current;
    const element = scroller.current;
    if (handle === null || element === null || document.visibilityState !== "visible") return;
    const { order, messageById, markRead } = thread.getState();
    const bottom = element.scrollTop + element.clientHeight;
    const isAtEnd = element.scrollHeight - bottom < 2;
    const index = isAtEnd ? order.length - 1 : handle.findItemIndex(bottom) - 1;
    for (let i = index; i >= 0; i--) {
      const message = messageById.get(order[i] ?? ("" as MessageId));
      if (message === undefined || message.seq === null) continue;
      if (message.seq > readSeq.current) {
        readSeq.current = message.seq;
        markRead(message.id);
      }
      return;
    }
  }, [thread, list, scroller]);
  useEffect(() => {
    document.addEventListener("visibilitychange", readVisible);
    return () => document.removeEventListener("visibilitychange", readVisible);
  }, [readVisible]);
  return readVisible;
}

/** Goes to the row that was asked for, to where the news begins, or to the end; returns the row to mark. */
function usePlace(
  scroller: RefObject<HTMLElement | null>,
  list: RefObject<VirtualizerHandle | null>,
  { tell }: Follow,
): MessageId | null {
  const { clock, thread } = useStores();
  const generation = useStore("thread", (state) => state.generation);
  const target = useStore("thread", (state) => state.target);
  const [marked, setMarked] = useState<MessageId | null>(null);

  useLayoutEffect(() => {
    const { order, firstUnreadId, target: asked } = thread.getState();
    if (asked !== null) return undefined;
    const unread = firstUnreadId === null ? -1 : order.indexOf(firstUnreadId);
    if (unread <= 0) {
      tell({ type: "went-to-end" });
      return undefined;
    }
    tell({ type: "went-to-message" });
    list.current?.scrollToIndex(unread, { align: "start", offset: -72 });
    // Where everything unread fits on the screen, the end is in view and is followed again.
    return clock.after(120, () => {
      const element = scroller.current;
      if (element === null) return;
      const toEndPx = element.scrollHeight - element.clientHeight - element.scrollTop;
      tell({ type: "reader-moved", direction: "down", toEndPx });
    });
  }, [generation, thread, clock, list, scroller, tell]);

  useLayoutEffect(() => {
    if (target === null) return undefined;
    const index = thread.getState().order.indexOf(target.messageId);
    if (index < 0) return undefined;
    tell({ type: "went-to-message" });
    list.current?.scrollToIndex(index, { align: "center" });
    setMarked(target.messageId);
    return clock.after(MARKED_MS, () => setMarked(null));
  }, [target, thread, clock, list, tell]);
  return marked;
}

/** Up and down walk from message to message once one of them has the focus. */
function walkRows(
  event: KeyboardEvent<HTMLElement>,
  order: readonly MessageId[],
  list: VirtualizerHandle | null,
): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  const row = event.target;
  if (step === 0 || !(row instanceof HTMLElement) || row.dataset["messageId"] === undefined) return;
  const index = order.findIndex((id) => id === row.dataset["messageId"]) + step;
  const next = order[index];
  if (next === undefined) return;
  event.preventDefault();
  list?.scrollToIndex(index, { align: "nearest" });
  const log = event.currentTarget;
  requestAnimationFrame(() => focusRow(log, next));
}

/** Gives a row the focus, if it is drawn. */
export function focusRow(log: HTMLElement, messageId: MessageId): void {
  log.querySelector<HTMLElement>(`[data-message-id="${CSS.escape(messageId)}"]`)?.focus();
}
