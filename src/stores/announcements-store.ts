import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "#base/clock.ts";
import type { Engine } from "./engine.ts";
import type { MessageId, MessageView } from "./views.ts";

/** What a person who does not see the thread is told, and no more: starts, ends, and what needs an answer. */
export type Announcement = {
  readonly kind: "started" | "finished" | "cut-short" | "needs-you" | "message";
  readonly authorName: string;
  /** Tells two equal announcements apart. */
  readonly turn: number;
};
export type AnnouncementsState = { readonly latest: Announcement | null };
export type AnnouncementsStore = StoreApi<AnnouncementsState>;

/** What was last said about a row, so that each turn of it is said once. */
export type Said = Announcement["kind"] | "nothing";

/** A row first told when it is older than this is history that changed, not news. */
const NEWS_MS = 60_000;

/** Creates the store behind the polite live region. */
export function createAnnouncementsStore({ onEvent }: Engine, clock: Clock): AnnouncementsStore {
  const store = createStore<AnnouncementsState>(() => ({ latest: null }));
  const saidById = new Map<MessageId, Said>();
  let turn = 0;
  onEvent((event) => {
    if (event.type !== "messages") return;
    for (const message of event.messages) {
      const isNews = clock.now() - message.at < NEWS_MS;
      const said = saidById.get(message.id) ?? (isNews ? "nothing" : "message");
      const kind = announce(message, said);
      saidById.set(message.id, kind ?? (said === "nothing" ? "message" : said));
      if (kind !== null)
        store.setState({ latest: { kind, authorName: message.authorName, turn: ++turn } });
    }
  });
  return store;
}

/** What is to be said about a row as it is now, given what was last said about it; null for nothing. */
export function announce(message: MessageView, said: Said): Announcement["kind"] | null {
  if (message.isSelf || message.authorKind === "system") return null;
  const { body } = message;
  switch (body.kind) {
    case "stream":
      return changed(said, isGoing(body.stream.status) ? "started" : "cut-short");
    case "turn":
      if (body.turn.parts.some((part) => part.kind === "prompt" && part.state === "open"))
        return changed(said, "needs-you");
      if (body.turn.status !== "ended") return said === "nothing" ? "started" : null;
      return changed(said, body.turn.outcome === "done" ? "finished" : "cut-short");
    case "text":
      if (said === "started") return "finished";
      return said === "nothing" ? "message" : null;
    case "card": {
      const { canRespond, card } = body.artifact;
      if (canRespond && (card.subtype === "approval" || card.subtype === "form"))
        return changed(said, "needs-you");
      return said === "nothing" ? "message" : null;
    }
    case "media":
    case "link":
    case "contact":
    case "unsupported":
      return said === "nothing" ? "message" : null;
    case "system":
    case "missing":
    case "recalled":
    case "unreadable":
      return null;
    default:
      return body satisfies never;
  }
}

const isGoing = (status: string): boolean => status === "live" || status === "stopping";

const changed = (said: Said, kind: Announcement["kind"]): Announcement["kind"] | null =>
  said === kind ? null : kind;
