import { useCallback, useEffect, useRef, useState } from "react";

/** The strip at the lower edge that a sticky footer covers, px: what lies under it was not seen. */
const COVERED_PX = 72;

/**
 * Whether every marked place was in view at some time. Places are marked by giving `mark` as their ref; a text longer than the
 * screen needs several, because only its beginning and its end say nothing about what lies between.
 */
export function useAllSeen(): {
  readonly isAllSeen: boolean;
  readonly mark: (element: Element | null) => (() => void) | undefined;
} {
  const [isAllSeen, setAllSeen] = useState(false);
  const waiting = useRef(new Set<Element>());
  const observer = useRef<IntersectionObserver | null>(null);

  useEffect(() => {
    const watched = new IntersectionObserver(
      (entries) => {
        for (const entry of entries)
          if (entry.isIntersecting) {
            waiting.current.delete(entry.target);
            watched.unobserve(entry.target);
          }
        setAllSeen(waiting.current.size === 0);
      },
      { rootMargin: `0px 0px -${COVERED_PX}px 0px` },
    );
    observer.current = watched;
    for (const element of waiting.current) watched.observe(element);
    return () => watched.disconnect();
  }, []);

  const mark = useCallback((element: Element | null) => {
    if (element === null) return undefined;
    waiting.current.add(element);
    observer.current?.observe(element);
    return () => {
      waiting.current.delete(element);
      observer.current?.unobserve(element);
    };
  }, []);

  return { isAllSeen, mark };
}
