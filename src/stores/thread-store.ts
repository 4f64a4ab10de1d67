import { createStore, type StoreApi } from "zustand/vanilla";
import type { Engine } from "./engine.ts";
import {
  appendRows,
  makeRows,
  mendRows,
  NO_ROWS,
  prependRows,
  reduceMessages,
  reduceRemoval,
  reduceStreamText,
  type ThreadRows,
} from "./thread-rows.ts";
import type {
  BridgeFailure,
  ConversationId,
  EngineCalls,
  EngineEvent,
  MessageId,
} from "./views.ts";

/** The one thread on screen. */
export type ThreadState = ThreadRows & {
  readonly status: "closed" | "loading" | "open" | "failed";
  readonly conversationId: ConversationId | null;
  readonly failure: BridgeFailure | null;
  /** The row to show and to mark; asked for by a link, a search hit or a quoted message. */
  readonly target: { readonly messageId: MessageId; readonly turn: number } | null;
  readonly firstUnreadId: MessageId | null;
  readonly readSeqById: Readonly<Record<string, number>>;
  readonly loading: "none" | "before" | "after";
  /** Grows whenever the rows were replaced as a whole, so that the list forgets its measures. */
  readonly generation: number;
  open(conversationId: ConversationId, aroundMessageId: MessageId | null): Promise<void>;
  close(): void;
  loadBefore(): Promise<void>;
  loadAfter(): Promise<void>;
  /** Shows a row of the open thread, loading the window around it where needed. */
  showMessage(messageId: MessageId): Promise<void>;
  /** Leaves an older window for the newest rows. */
  showNewest(): Promise<void>;
  /** Asks for the newest rows again, for when what is here can no longer be trusted to be whole. */
  reload(): Promise<void>;
  markRead(upToId: MessageId): void;
};
export type ThreadStore = StoreApi<ThreadState>;

/** Whether nobody has said anything yet: no row, or only the one that tells of the connection. */
export function selectIsUnsaid({ order, messageById }: ThreadState): boolean {
  const [firstId] = order;
  if (firstId === undefined) return true;
  const body = messageById.get(firstId)?.body;
  return order.length === 1 && body?.kind === "system" && body.event === "relation.established";
}

/** Creates the store of the open thread. */
export function createThreadStore({ calls, onEvent }: Engine): ThreadStore {
  let mend: Windows["mend"] = () => Promise.resolve();
  const store = createStore<ThreadState>((set, get) => {
    const windows = createWindows(calls, set, get);
    mend = windows.mend;
    let lastReadId: MessageId | null = null;
    return {
      ...CLOSED,
      generation: 0,
      async open(conversationId, aroundMessageId) {
        const before = get();
        if (before.conversationId === conversationId && before.status === "open") {
          if (aroundMessageId !== null) await before.showMessage(aroundMessageId);
          return;
        }
        if (before.conversationId !== conversationId) before.close();
        lastReadId = null;
        set({ ...CLOSED, status: "loading", conversationId });
        await windows.ask({ conversationId, aroundMessageId });
      },
      close() {
        const { conversationId } = get();
        windows.forget();
        set(CLOSED);
        if (conversationId !== null) void calls.closeThread({ conversationId });
      },
      loadBefore: async () => (get().hasBefore ? windows.extend("before") : undefined),
      loadAfter: async () => (get().hasAfter ? windows.extend("after") : undefined),
      async showMessage(messageId) {
        const { conversationId, messageById } = get();
        if (conversationId === null) return;
        if (messageById.has(messageId)) set({ target: windows.target(messageId) });
        else await windows.ask({ conversationId, aroundMessageId: messageId });
      },
      async showNewest() {
        if (get().hasAfter) await get().reload();
      },
      async reload() {
        const { conversationId } = get();
        if (conversationId !== null) await windows.reload(conversationId);
      },
      markRead(upToId) {
        const { conversationId } = get();
        if (conversationId === null || upToId === lastReadId) return;
        lastReadId = upToId;
        void calls.markRead({ conversationId, upToId });
      },
    };
  });

  onEvent((event) => {
    const state = store.getState();
    if (!("conversationId" in event) || event.conversationId !== state.conversationId) return;
    if (event.type === "history-reset" || event.type === "history-taken")
      return void state.reload();
    const next = reduceEvent(state, event);
    if (next !== null) store.setState(next);
    else if (event.type === "stream-text") void mend(event.messageId);
  });
  return store;
}

type Asked = {
  readonly conversationId: ConversationId;
  readonly aroundMessageId: MessageId | null;
};

/** Asks for windows of rows; an answer to an older question is dropped. */
function createWindows(
  calls: EngineCalls,
  set: StoreApi<ThreadState>["setState"],
  get: () => ThreadState,
) {
  let turn = 0;
  let targets = 0;
  const target = (messageId: MessageId) => ({ messageId, turn: ++targets });

  const ask = async (asked: Asked): Promise<void> => {
    const ours = ++turn;
    const answer = await calls.openThread(asked);
    if (ours !== turn) return;
    if (!answer.ok) {
      set({ status: "failed", failure: answer.failure, loading: "none" });
      return;
    }
    const { aroundMessageId } = asked;
    set((state) => ({
      ...makeRows(answer.value),
      status: "open",
      failure: null,
      loading: "none",
      firstUnreadId: state.status === "open" ? state.firstUnreadId : answer.value.firstUnreadId,
      readSeqById: answer.value.readSeqById,
      target: aroundMessageId === null ? null : target(aroundMessageId),
      generation: state.generation + 1,
    }));
  };

  const extend = async (side: "before" | "after"): Promise<void> => {
    const { conversationId, loading, order, status } = get();
    const edgeId = side === "before" ? order[0] : order.at(-1);
    if (conversationId === null || status !== "open") return;
    if (loading !== "none" || edgeId === undefined) return;
    const ours = turn;
    set({ loading: side });
    const answer = await (side === "before"
      ? calls.loadBefore({ conversationId, beforeId: edgeId })
      : calls.loadAfter({ conversationId, afterId: edgeId }));
    if (ours !== turn) return;
    const grow = side === "before" ? prependRows : appendRows;
    set((state) => ({ loading: "none", ...(answer.ok ? grow(state, answer.value) : {}) }));
  };

  let reloading: "no" | "once" | "again" = "no";
  /** In a storm each reason to reload comes before the last answer did: that answer is shown all the same. */
  const reload = async (conversationId: ConversationId): Promise<void> => {
    if (reloading !== "no") {
      reloading = "again";
      return;
    }
    do {
      reloading = "once";
      await ask({ conversationId, aroundMessageId: null });
    } while (isAgain() && get().conversationId === conversationId);
    reloading = "no";
  };
  const isAgain = (): boolean => reloading === "again";

  let isMending = false;
  /** Asks for the window of a row whose live text has a hole. Rows that are here stay; one question at a time. */
  const mend = async (messageId: MessageId): Promise<void> => {
    const { conversationId, hasAfter, status } = get();
    if (isMending || conversationId === null || status !== "open") return;
    isMending = true;
    const ours = turn;
    const aroundMessageId = hasAfter ? messageId : null;
    const answer = await calls.openThread({ conversationId, aroundMessageId });
    isMending = false;
    if (ours === turn && answer.ok) set((state) => mendRows(state, answer.value));
  };

  return { ask, extend, mend, reload, target, forget: () => void turn++ };
}
type Windows = ReturnType<typeof createWindows>;

const CLOSED = {
  ...NO_ROWS,
  status: "closed",
  conversationId: null,
  failure: null,
  target: null,
  firstUnreadId: null,
  readSeqById: {},
  loading: "none",
} as const satisfies Partial<ThreadState>;

/** What an event about the open thread changes; null for nothing, or for live text that has a hole. */
function reduceEvent(state: ThreadState, event: EngineEvent): Partial<ThreadState> | null {
  switch (event.type) {
    case "messages":
      return reduceMessages(state, event.messages);
    case "messages-removed":
      return reduceRemoval(state, event.messageIds);
    case "stream-text":
      return reduceStreamText(state, event);
    case "read-receipts":
      return { readSeqById: event.readSeqById };
    default:
      return null;
  }
}
