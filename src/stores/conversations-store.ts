import { createStore, type StoreApi } from "zustand/vanilla";
import type { Engine } from "./engine.ts";
import type { AccountId, BridgeFailure, ConversationId, ConversationView } from "./views.ts";

export type ConversationsState = {
  readonly status: "loading" | "ready" | "failed";
  readonly failure: BridgeFailure | null;
  readonly byId: Readonly<Record<ConversationId, ConversationView>>;
  /** Pinned first, then the most recently touched. */
  readonly order: readonly ConversationId[];
  readonly typingById: Readonly<Record<ConversationId, readonly AccountId[]>>;
  load(): Promise<void>;
  setMuted(conversationId: ConversationId, muted: boolean): Promise<void>;
  setPinned(conversationId: ConversationId, pinned: boolean): Promise<void>;
};
export type ConversationsStore = StoreApi<ConversationsState>;

/** Creates the store behind the list of conversations. `onFailure` hears what a switch in a menu could not do. */
export function createConversationsStore(
  { calls, onEvent }: Engine,
  onFailure: (failure: BridgeFailure) => void,
): ConversationsStore {
  const store = createStore<ConversationsState>((set) => ({
    status: "loading",
    failure: null,
    byId: {},
    order: [],
    typingById: {},
    async load() {
      const answer = await calls.listConversations();
      if (!answer.ok) {
        set({ status: "failed", failure: answer.failure });
        return;
      }
      const byId = Object.fromEntries(answer.value.map((view) => [view.id, view]));
      const typingById = Object.fromEntries(answer.value.map((view) => [view.id, view.typing]));
      set({ status: "ready", failure: null, byId, typingById, order: sortedIds(byId) });
    },
    async setMuted(conversationId, muted) {
      const answer = await calls.setMuted({ conversationId, muted });
      if (!answer.ok) onFailure(answer.failure);
    },
    async setPinned(conversationId, pinned) {
      const answer = await calls.setPinned({ conversationId, pinned });
      if (!answer.ok) onFailure(answer.failure);
    },
  }));
  onEvent((event) => {
    if (event.type === "conversation")
      store.setState((state) => withConversation(state, event.conversation));
    else if (event.type === "conversation-removed")
      store.setState((state) => withoutConversation(state, event.conversationId));
    else if (event.type === "typing")
      store.setState(({ typingById }) => ({
        typingById: { ...typingById, [event.conversationId]: event.accountIds },
      }));
  });
  return store;
}

/** How many conversations hold something unread that is not muted. */
export const selectUnreadConversations = ({ byId, order }: ConversationsState): number =>
  order.filter((id) => {
    const view = byId[id];
    return view !== undefined && view.unreadCount > 0 && (!view.muted || view.mentioned);
  }).length;

/** Everyone this person already talks with, once each, by name. */
export function selectPeople({ byId }: Pick<ConversationsState, "byId">) {
  const peerById = new Map(
    Object.values(byId)
      .flatMap((view) => (view.peer === null ? [] : [{ ...view.peer, conversation: view }]))
      .map((peer) => [peer.id, peer] as const),
  );
  return [...peerById.values()].toSorted((a, b) => a.name.localeCompare(b.name));
}

/** The ids whose title, members or last line hold every word asked for. */
export function filterConversations(
  { byId, order }: Pick<ConversationsState, "byId" | "order">,
  query: string,
): readonly ConversationId[] {
  const words = query.toLocaleLowerCase().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return order;
  return order.filter((id) => {
    const view = byId[id];
    if (view === undefined) return false;
    const names = view.members
      .concat(view.peer === null ? [] : [{ ...view.peer, role: "member", isSelf: false }])
      .map(({ name, ownName = "" }) => `${name} ${ownName}`)
      .join(" ");
    const text = `${view.title} ${names} ${view.preview?.text ?? ""}`.toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function withConversation(state: ConversationsState, view: ConversationView) {
  const byId = { ...state.byId, [view.id]: view };
  return {
    byId,
    order: sortedIds(byId),
    typingById: { ...state.typingById, [view.id]: view.typing },
  };
}

function withoutConversation(state: ConversationsState, conversationId: ConversationId) {
  const { [conversationId]: _removed, ...byId } = state.byId;
  return { byId, order: state.order.filter((id) => id !== conversationId) };
}

function sortedIds(byId: ConversationsState["byId"]): readonly ConversationId[] {
  return Object.values(byId)
    .toSorted(
      (a, b) =>
        Number(b.pinned) - Number(a.pinned) ||
        b.updatedAt - a.updatedAt ||
        a.id.localeCompare(b.id),
    )
    .map((view) => view.id);
}
