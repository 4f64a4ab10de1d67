import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "#base/clock.ts";
import type { ConversationsStore } from "./conversations-store.ts";
import type { Engine } from "./engine.ts";
import { selectTray, type FilesStore, type TrayFile } from "./files-store.ts";
import { decodeMentions, encodeMentions, makeMentionChoices } from "./mentions.ts";
import type { BridgeFailure, ConversationId, MessageView } from "./views.ts";

/** What is being written in one conversation. */
export type Draft = { readonly text: string; readonly replyTo: MessageView | null };
export type ComposerState = {
  readonly draftById: Readonly<Record<ConversationId, Draft>>;
  /** Takes up the draft that was saved, unless something is being written already. */
  begin(conversationId: ConversationId): void;
  write(conversationId: ConversationId, text: string): void;
  setReply(conversationId: ConversationId, replyTo: MessageView | null): void;
  /** Hands the text to the worker, which keeps it before it answers; a refusal puts the text back. */
  send(conversationId: ConversationId): Promise<boolean>;
  /** Sends words that were not typed here, such as a suggestion. */
  sendWords(conversationId: ConversationId, text: string): Promise<boolean>;
  /** Saves everything not yet saved: before the page goes away or a new version takes over. Says whether all is kept. */
  flush(): Promise<boolean>;
};
export type ComposerStore = StoreApi<ComposerState>;

/** Typing is told again while it goes on, and ends by itself soon after the last key. */
const TYPING_REPEAT_MS = 4_000;
const TYPING_END_MS = 5_000;
const SAVE_PAUSE_MS = 400;
const EMPTY: Draft = { text: "", replyTo: null };

/** The draft of a conversation; empty where none was begun. */
export const selectDraft =
  (conversationId: ConversationId) =>
  ({ draftById }: ComposerState): Draft =>
    draftById[conversationId] ?? EMPTY;

/** Creates the store of what is being written. */
export function createComposerStore(
  engine: Engine,
  clock: Clock,
  conversations: ConversationsStore,
  files: FilesStore,
  onFailure: (failure: BridgeFailure) => void,
): ComposerStore {
  const { calls } = engine;
  const choicesOf = (id: ConversationId) =>
    makeMentionChoices(conversations.getState().byId[id]?.members ?? []);
  const typing = createTypingTeller(engine, clock);

  return createStore<ComposerState>((set, get) => {
    const put = (id: ConversationId, part: Partial<Draft>): void =>
      set(({ draftById }) => ({
        draftById: { ...draftById, [id]: { ...EMPTY, ...draftById[id], ...part } },
      }));
    const saver = createDraftSaver(clock, async (conversationId) => {
      const draft = selectDraft(conversationId)(get());
      const saved = await calls.saveDraft({
        conversationId,
        text: encodeMentions(draft.text, choicesOf(conversationId)).text,
        replyToId: draft.replyTo?.id ?? null,
      });
      return saved.ok;
    });
    const deliver = async (
      conversationId: ConversationId,
      draft: Draft,
      taken: readonly TrayFile[] = [],
    ): Promise<boolean> => {
      const encoded = encodeMentions(draft.text.trim(), choicesOf(conversationId));
      const said = { conversationId, ...encoded, replyToId: draft.replyTo?.id ?? null };
      const fileIds = taken.map(({ fileId }) => fileId);
      const answer = await (fileIds.length === 0
        ? calls.sendText(said)
        : calls.sendFiles({ ...said, fileIds }));
      if (!answer.ok) onFailure(answer.failure);
      return answer.ok;
    };
    return {
      draftById: {},
      begin(id) {
        const saved = conversations.getState().byId[id]?.draft;
        if (saved === undefined || get().draftById[id] !== undefined) return;
        put(id, { text: decodeMentions(saved, choicesOf(id)) });
      },
      write(id, text) {
        put(id, { text });
        saver.touch(id);
        typing.tell(id, text.trim() !== "");
      },
      setReply(id, replyTo) {
        put(id, { replyTo });
        saver.touch(id);
      },
      async send(id) {
        const draft = selectDraft(id)(get());
        const tray = selectTray(id)(files.getState());
        if (draft.text.trim() === "" && tray.length === 0) return false;
        // What is still being read, or could not be, is decided about first.
        if (tray.some(({ status }) => status !== "ready")) return false;
        put(id, EMPTY);
        const taken = files.getState().take(id);
        typing.tell(id, false);
        const isSent = await deliver(id, draft, taken);
        if (isSent) files.getState().settle(taken);
        else files.getState().putBack(id, taken);
        const isUntouched = selectDraft(id)(get()).text === "";
        if (!isSent && isUntouched) put(id, draft);
        saver.touch(id);
        await saver.flush();
        return isSent;
      },
      sendWords: (id, text) => deliver(id, { text, replyTo: null }),
      flush: () => saver.flush(),
    };
  });
}

/**
 * Saves a conversation's draft at its first touch, then as often as it is touched but not more than once a pause.
 * `save` says whether it was kept; what was not is tried again when everything is saved.
 */
function createDraftSaver(clock: Clock, save: (id: ConversationId) => Promise<boolean>) {
  const unkept = new Set<ConversationId>();
  const pauseById = new Map<ConversationId, { isTouched: boolean; readonly cancel: () => void }>();
  const underWay = new Set<Promise<void>>();
  const saveNow = (id: ConversationId): void => {
    const saving = keep(id).finally(() => underWay.delete(saving));
    underWay.add(saving);
  };
  const keep = async (id: ConversationId): Promise<void> => {
    pauseById.get(id)?.cancel();
    const cancel = clock.after(SAVE_PAUSE_MS, () => {
      const wasTouched = pauseById.get(id)?.isTouched === true;
      pauseById.delete(id);
      if (wasTouched) saveNow(id);
    });
    pauseById.set(id, { isTouched: false, cancel });
    if (await save(id)) unkept.delete(id);
    else unkept.add(id);
  };
  return {
    touch(id: ConversationId): void {
      const pause = pauseById.get(id);
      if (pause === undefined) saveNow(id);
      else pause.isTouched = true;
    },
    flush: async (): Promise<boolean> => {
      const touched = [...pauseById].filter(([, { isTouched }]) => isTouched);
      const ids = new Set([...touched.map(([id]) => id), ...unkept]);
      for (const id of ids) saveNow(id);
      await Promise.all(underWay);
      return unkept.size === 0;
    },
  };
}

/** Tells the others that somebody writes: not at every key, and not for longer than it is true. */
function createTypingTeller({ calls }: Engine, clock: Clock) {
  let told: { readonly id: ConversationId; readonly at: number } | null = null;
  let cancelEnd: () => void = () => {};
  const end = (): void => {
    cancelEnd();
    if (told === null) return;
    void calls.setTyping({ conversationId: told.id, typing: false });
    told = null;
  };
  return {
    tell(id: ConversationId, isTyping: boolean): void {
      if (!isTyping) return end();
      if (told !== null && told.id !== id) end();
      if (told === null || clock.now() - told.at >= TYPING_REPEAT_MS) {
        void calls.setTyping({ conversationId: id, typing: true });
        told = { id, at: clock.now() };
      }
      cancelEnd();
      cancelEnd = clock.after(TYPING_END_MS, end);
    },
  };
}
