import { useCallback, useSyncExternalStore } from "react";

/** Whether a media query holds now. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const list = matchMedia(query);
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}

/** How much stands side by side: rail, list, thread and drawer; list and thread; one pane. */
export type Layout = "wide" | "middle" | "narrow";

export function useLayout(): Layout {
  const isNarrow = useMedia("(max-width: 719px)");
  const isWide = useMedia("(min-width: 1100px)");
  if (isNarrow) return "narrow";
  return isWide ? "wide" : "middle";
}
