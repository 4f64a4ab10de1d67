import { useRef, type PointerEvent } from "react";
import { clampListWidth, MAX_LIST_WIDTH_PX, MIN_LIST_WIDTH_PX } from "#stores/settings-store.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./ListResizer.module.css";

const KEY_STEP_PX = 16;

/** The line between list and thread: dragged, or moved with the arrow keys. */
export function ListResizer() {
  const t = useText();
  const { settings } = useStores();
  const widthPx = useStore("settings", (state) => state.listWidthPx);
  const drag = useRef<{ readonly x: number; readonly widthPx: number } | null>(null);
  const change = (next: number): void =>
    settings.getState().change({ listWidthPx: clampListWidth(next) });
  const sign = (): number => (document.documentElement.dir === "rtl" ? -1 : 1);
  const move = (event: PointerEvent): void => {
    if (drag.current !== null)
      change(drag.current.widthPx + sign() * (event.clientX - drag.current.x));
  };
  return (
    <div
      className={styles.resizer}
      role="separator"
      aria-orientation="vertical"
      aria-label={t("list.resize")}
      aria-valuenow={widthPx}
      aria-valuemin={MIN_LIST_WIDTH_PX}
      aria-valuemax={MAX_LIST_WIDTH_PX}
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { x: event.clientX, widthPx };
      }}
      onPointerMove={move}
      onPointerUp={() => (drag.current = null)}
      onPointerCancel={() => (drag.current = null)}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") change(widthPx + sign() * KEY_STEP_PX);
        else if (event.key === "ArrowLeft") change(widthPx - sign() * KEY_STEP_PX);
      }}
    />
  );
}
