import { createStore, type StoreApi } from "zustand/vanilla";
import { ok, type Result } from "#base/result.ts";
import type { Engine } from "./engine.ts";
import type { BridgeFailure, DeviceLinkView, HistoryReach, HistoryView } from "./views.ts";

/** A device link at either of its ends, and history on its way. */
export type DevicesState = {
  readonly link: DeviceLinkView | null;
  readonly history: HistoryView | null;
  /** A link that this page was opened by, until it is used or put aside. */
  readonly opened: string | null;
  offer(): Promise<Outcome>;
  admit(history: { readonly days: HistoryReach } | null): Promise<Outcome>;
  open(code: string): Promise<Outcome>;
  cancel(): void;
  takeOpened(code: string): void;
  dropOpened(): void;
  dismissHistory(): void;
};
type Outcome = Result<null, BridgeFailure>;
export type DevicesStore = StoreApi<DevicesState>;

/** Creates the store of a person's further devices. */
export function createDevicesStore({ calls, onEvent }: Engine): DevicesStore {
  const store = createStore<DevicesState>((set) => ({
    link: null,
    history: null,
    opened: null,
    async offer() {
      const answer = await calls.offerDeviceLink();
      if (!answer.ok) return answer;
      set({ link: answer.value });
      return ok(null);
    },
    admit: (history) => calls.admitDevice({ history }),
    open: (code) => calls.openDeviceLink({ code }),
    cancel() {
      set({ link: null });
      void calls.cancelDeviceLink();
    },
    takeOpened: (opened) => set({ opened }),
    dropOpened: () => set({ opened: null }),
    dismissHistory: () => set({ history: null }),
  }));
  onEvent((event) => {
    if (event.type === "device-link") store.setState({ link: event.link });
    else if (event.type === "history") store.setState({ history: event.history });
    // Another tab's worker knows nothing of what this one had begun.
    else if (event.type === "engine-restarted") store.setState({ link: null, history: null });
  });
  return store;
}
