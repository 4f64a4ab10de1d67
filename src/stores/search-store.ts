import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "#base/clock.ts";
import type { Engine } from "./engine.ts";
import type { BridgeFailure, ConversationId, SearchHitView } from "./views.ts";

/** A search through everything that was said, as typed. */
export type SearchState = {
  readonly query: string;
  readonly status: "idle" | "searching" | "done" | "failed";
  readonly hits: readonly SearchHitView[];
  readonly failure: BridgeFailure | null;
  search(query: string, conversationId?: ConversationId): void;
  clear(): void;
};
export type SearchStore = StoreApi<SearchState>;

/** Short enough to feel immediate, long enough that a typed word is one question. */
const TYPING_PAUSE_MS = 150;
const MOST_HITS = 30;
const EMPTY = { query: "", status: "idle", hits: [], failure: null } as const;

/** Creates the store of message search; an answer to an older question is dropped. */
export function createSearchStore({ calls }: Engine, clock: Clock): SearchStore {
  let cancel: () => void = () => {};
  return createStore<SearchState>((set, get) => {
    const ask = async (query: string, conversationId: ConversationId | null): Promise<void> => {
      const answer = await calls.search({ query, conversationId, limit: MOST_HITS });
      if (get().query !== query) return;
      set(
        answer.ok
          ? { status: "done", hits: answer.value, failure: null }
          : { status: "failed", hits: [], failure: answer.failure },
      );
    };
    return {
      ...EMPTY,
      search(query, conversationId) {
        cancel();
        if (query.trim() === "") {
          set(EMPTY);
          return;
        }
        set({ query, status: "searching" });
        cancel = clock.after(TYPING_PAUSE_MS, () => void ask(query, conversationId ?? null));
      },
      clear() {
        cancel();
        set(EMPTY);
      },
    };
  });
}
