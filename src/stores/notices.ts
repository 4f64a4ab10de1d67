import { createEmitter } from "#base/emitter.ts";
import type { BridgeFailure } from "./views.ts";

/** Something said in passing. The words are found by the screen that shows it. */
export type Notice =
  | { readonly kind: "failure"; readonly failure: BridgeFailure }
  | { readonly kind: "note"; readonly note: Note };
export type Note =
  | "copied"
  | "request-sent"
  | "name-saved"
  | "recovery-made"
  | "recovery-withdrawn"
  | "passkey-added"
  | "passkey-removed"
  | "password-saved"
  | "agent-saved"
  | "keys-renewed"
  | "code-same"
  | "history-reset";

export interface Notices {
  /** Adds a listener; the returned function removes it. */
  on(listener: (notice: Notice) => void): () => void;
  showFailure(failure: BridgeFailure): void;
  showNote(note: Note): void;
}

/** Creates the way from stores to whatever shows passing notes. */
export function createNotices(): Notices {
  const { on, emit } = createEmitter<Notice>();
  return {
    on,
    showFailure: (failure) => emit({ kind: "failure", failure }),
    showNote: (note) => emit({ kind: "note", note }),
  };
}
