export type ToastKind = "note" | "done" | "failure";

export type ToastContent = {
  readonly kind: ToastKind;
  readonly title: string;
  readonly advice?: string;
  readonly action?: { readonly label: string; readonly onPress: () => void };
};

/** What was said before the place for it was there. */
const waiting: ToastContent[] = [];
let show: ((content: ToastContent) => void) | null = null;
let want: (() => void) | null = null;

/** Says something in passing. Failures stay until they are closed. */
export function showToast(content: ToastContent): void {
  if (show !== null) show(content);
  else {
    waiting.push(content);
    want?.();
  }
}

/** Takes what is said from now on, and what waits. Returns the way to stop. */
export function takeToasts(take: (content: ToastContent) => void): () => void {
  show = take;
  for (const content of waiting.splice(0)) take(content);
  return () => {
    if (show === take) show = null;
  };
}

/** Calls `listener` when something is said that nobody takes yet. Returns the way to stop. */
export function onToastWanted(listener: () => void): () => void {
  want = listener;
  if (waiting.length > 0) listener();
  return () => {
    if (want === listener) want = null;
  };
}
