import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "#base/clock.ts";
import type { BridgeFailure } from "./views.ts";

/** One short note. Words are found by the screen: by `failure`, or by the name of what happened. */
export type ToastView = { readonly id: number } & (
  | { readonly kind: "failure"; readonly failure: BridgeFailure }
  | { readonly kind: "note"; readonly note: ToastNote }
);
export type ToastNote =
  | "copied"
  | "request-sent"
  | "name-saved"
  | "password-saved"
  | "history-reset"
  | "link-copied";

export type ToastsState = {
  readonly toasts: readonly ToastView[];
  showFailure(failure: BridgeFailure): void;
  showNote(note: ToastNote): void;
  dismiss(id: number): void;
};
export type ToastsStore = StoreApi<ToastsState>;

const NOTE_MS = 4_000;
/** Long enough to read two sentences. */
const FAILURE_MS = 10_000;
const MOST_AT_ONCE = 3;

/** Creates the store of passing notes; each leaves by itself. */
export function createToastsStore(clock: Clock): ToastsStore {
  let nextId = 1;
  return createStore<ToastsState>((set, get) => {
    const show = (toast: ToastView, forMs: number): void => {
      set(({ toasts }) => ({ toasts: [...toasts, toast].slice(-MOST_AT_ONCE) }));
      clock.after(forMs, () => get().dismiss(toast.id));
    };
    return {
      toasts: [],
      showFailure: (failure) => show({ id: nextId++, kind: "failure", failure }, FAILURE_MS),
      showNote: (note) => show({ id: nextId++, kind: "note", note }, NOTE_MS),
      dismiss: (id) => set(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) })),
    };
  });
}
