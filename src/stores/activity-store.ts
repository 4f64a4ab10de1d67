/** What activity feeds report, by conversation, while somebody looks. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Engine } from "./engine.ts";
import type { ActivityView, BridgeFailure, ConversationId } from "./views.ts";

export type ActivityState = {
  readonly byId: Readonly<Record<string, ActivityView>>;
  readonly failure: BridgeFailure | null;
  watch(id: ConversationId): Promise<void>;
  unwatch(id: ConversationId): void;
};

export type ActivityStore = StoreApi<ActivityState>;

/** Creates the store of an engine. */
export function createActivityStore(engine: Engine): ActivityStore {
  const store = createStore<ActivityState>((set) => ({
    byId: {},
    failure: null,
    async watch(conversationId) {
      set({ failure: null });
      const watched = await engine.calls.watchActivity({ conversationId });
      if (!watched.ok) set({ failure: watched.failure });
    },
    unwatch(conversationId) {
      void engine.calls.unwatchActivity({ conversationId });
      set(({ byId: { [conversationId]: _gone, ...byId } }) => ({ byId }));
    },
  }));
  engine.onEvent((event) => {
    if (event.type !== "activity") return;
    const { conversationId, activity } = event;
    store.setState(({ byId }) => ({ byId: { ...byId, [conversationId]: activity } }));
  });
  return store;
}
