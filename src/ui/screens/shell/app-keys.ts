/** What a key means anywhere in the app; pure. */
export type AppKey = {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly isComposing: boolean;
  /** Whether the focus is where text is typed. */
  readonly isTyping: boolean;
};

/** Ctrl or Cmd and K opens the finder from anywhere; "?" lists the keys, unless it is being typed. */
export function appIntent(key: AppKey): "palette" | "shortcuts" | "none" {
  if (key.isComposing || key.altKey) return "none";
  if ((key.ctrlKey || key.metaKey) && key.key.toLowerCase() === "k") return "palette";
  return key.key === "?" && !key.isTyping && !key.ctrlKey && !key.metaKey ? "shortcuts" : "none";
}

/** Whether keys pressed on an element are text. */
export const takesText = (element: Element | null): boolean =>
  element?.closest("input, textarea, select, [contenteditable]") !== null && element !== null;
