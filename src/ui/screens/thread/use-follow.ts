import { useCallback, useEffect, useRef, useState, type RefObject } from "react";
import {
  AT_END_PX,
  FOLLOWING,
  reduceScroll,
  type ScrollFact,
  type ScrollFollow,
} from "#stores/scroll-follow.ts";

/** A scroll this soon after a wheel, a key or a touch is the reader's; later ones are the layout's. */
const INTENT_MS = 400;
/** Momentum goes on while scroll events follow one another this closely. */
const MOMENTUM_MS = 150;
/** Further from the end than this, the way back is offered. */
const AWAY_PX = 400;

/** Which way the reader's last sign goes; a finger or the scroll bar may go any. */
type Way = "up" | "down" | "any";

export type Follow = {
  readonly newBelow: number;
  /** Whether the way to the end is worth a button. */
  readonly isAway: boolean;
  tell(fact: ScrollFact): void;
  /** Tells where the list is after any scroll. */
  settle(): void;
};

/**
 * Keeps the list at its end while the reader is there, and leaves it alone otherwise. What the reader does is told
 * apart from what the layout does: only the former may end following.
 */
export function useFollow(scroller: RefObject<HTMLElement | null>): Follow {
  const follow = useRef<ScrollFollow>(FOLLOWING);
  const readerUntil = useRef(0);
  const readerWay = useRef<Way>("any");
  const lastTop = useRef(0);
  const [newBelow, setNewBelow] = useState(0);
  const [isAway, setIsAway] = useState(false);

  const tell = useCallback(
    (fact: ScrollFact) => {
      const step = reduceScroll(follow.current, fact);
      follow.current = step.follow;
      setNewBelow(step.follow.newBelow);
      const element = scroller.current;
      if (step.move === "to-end" && element !== null) element.scrollTop = element.scrollHeight;
    },
    [scroller],
  );

  const settle = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const toEndPx = distanceToEnd(element);
    const moved = element.scrollTop - lastTop.current;
    lastTop.current = element.scrollTop;
    setIsAway(toEndPx > AWAY_PX);
    const direction = moved > 0 ? "down" : "up";
    // The list may have gone to its end just before the wheel was turned up, which is heard of only now.
    const isTheirWay = readerWay.current === "any" || readerWay.current === direction;
    const isReader = isTheirWay && performance.now() < readerUntil.current;
    if (isReader && moved !== 0) {
      readerUntil.current = Math.max(readerUntil.current, performance.now() + MOMENTUM_MS);
      tell({ type: "reader-moved", direction, toEndPx });
    } else tell({ type: "position", toEndPx });
  }, [scroller, tell]);

  useReaderSigns(scroller, { readerUntil, readerWay, follow }, tell);
  return { newBelow, isAway, tell, settle };
}

const distanceToEnd = (element: HTMLElement): number =>
  Math.max(0, element.scrollHeight - element.clientHeight - element.scrollTop);

const UP_KEYS = new Set(["ArrowUp", "PageUp", "Home"]);
const DOWN_KEYS = new Set(["ArrowDown", "PageDown", "End", " "]);

/** Listens for wheel, touch, keys, the scroll bar and selections. */
function useReaderSigns(
  scroller: RefObject<HTMLElement | null>,
  {
    readerUntil,
    readerWay,
    follow,
  }: {
    readonly readerUntil: RefObject<number>;
    readonly readerWay: RefObject<Way>;
    readonly follow: RefObject<ScrollFollow>;
  },
  tell: (fact: ScrollFact) => void,
): void {
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const sign = (direction: "up" | "down"): void => {
      readerUntil.current = performance.now() + INTENT_MS;
      readerWay.current = direction;
      const canScroll = element.scrollHeight > element.clientHeight + AT_END_PX;
      if (direction === "up" && canScroll)
        tell({ type: "reader-moved", direction, toEndPx: distanceToEnd(element) });
    };
    const hold = (): void => {
      readerUntil.current = Number.POSITIVE_INFINITY;
      readerWay.current = "any";
    };
    const release = (): void => {
      if (readerUntil.current === Number.POSITIVE_INFINITY)
        readerUntil.current = performance.now() + INTENT_MS;
    };
    const handleWheel = (event: WheelEvent): void => {
      if (event.deltaY !== 0) sign(event.deltaY < 0 ? "up" : "down");
    };
    const handleKey = (event: KeyboardEvent): void => {
      if (UP_KEYS.has(event.key)) sign("up");
      else if (DOWN_KEYS.has(event.key)) sign("down");
    };
    const handlePointer = (event: PointerEvent): void => {
      // The scroll bar belongs to the scroller itself; everything else in it is a child.
      if (event.target === element) hold();
    };
    const handleSelection = (): void => {
      const selection = document.getSelection();
      const isInside = selection !== null && element.contains(selection.anchorNode);
      if (isInside && !selection.isCollapsed && follow.current.isFollowing)
        tell({ type: "reader-moved", direction: "none", toEndPx: distanceToEnd(element) });
    };
    const listeners = new AbortController();
    const options = { passive: true, signal: listeners.signal };
    element.addEventListener("wheel", handleWheel, options);
    element.addEventListener("keydown", handleKey, options);
    element.addEventListener("touchstart", hold, options);
    element.addEventListener("touchend", release, options);
    element.addEventListener("touchcancel", release, options);
    element.addEventListener("pointerdown", handlePointer, options);
    window.addEventListener("pointerup", release, options);
    document.addEventListener("selectionchange", handleSelection, options);
    return () => listeners.abort();
  }, [scroller, readerUntil, readerWay, follow, tell]);
}
