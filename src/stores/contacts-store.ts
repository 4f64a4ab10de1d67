import { createStore, type StoreApi } from "zustand/vanilla";
import { ok, type Result } from "#base/result.ts";
import type { Engine, Progress } from "./engine.ts";
import type {
  AccountId,
  BridgeFailure,
  ContactRequestView,
  ConversationId,
  InviteView,
} from "./views.ts";

/** Where an invite link stands, from pasted text to a conversation. */
export type InviteState =
  | { readonly status: "none" }
  | { readonly status: "opening"; readonly url: string }
  | {
      readonly status: "open";
      readonly url: string;
      readonly invite: InviteView;
      readonly accepting: Progress<BridgeFailure>;
    }
  | { readonly status: "failed"; readonly url: string; readonly failure: BridgeFailure };

type ConversationOrLater = Result<ConversationId | null, BridgeFailure>;

export type ContactsState = {
  readonly requests: readonly ContactRequestView[];
  readonly invite: InviteState;
  load(): Promise<void>;
  openInvite(url: string): Promise<void>;
  /** The conversation, or null where a person still has to accept our request. */
  acceptInvite(): Promise<ConversationOrLater>;
  dismissInvite(): void;
  answerRequest(requestId: string, accept: boolean): Promise<ConversationOrLater>;
  createGroup(
    title: string,
    memberIds: readonly AccountId[],
  ): Promise<Result<ConversationId, BridgeFailure>>;
};
export type ContactsStore = StoreApi<ContactsState>;

/** Creates the store of invites, requests and new groups. */
export function createContactsStore({ calls, onEvent }: Engine): ContactsStore {
  const store = createStore<ContactsState>((set, get) => ({
    requests: [],
    invite: { status: "none" },
    async load() {
      const answer = await calls.listContactRequests();
      if (answer.ok) set({ requests: answer.value });
    },
    async openInvite(url) {
      set({ invite: { status: "opening", url } });
      const answer = await calls.openInvite({ url });
      const { invite } = get();
      if (invite.status !== "opening" || invite.url !== url) return;
      set({
        invite: answer.ok
          ? { status: "open", url, invite: answer.value, accepting: { status: "idle" } }
          : { status: "failed", url, failure: answer.failure },
      });
    },
    async acceptInvite() {
      const { invite } = get();
      if (invite.status !== "open") return ok(null);
      set({ invite: { ...invite, accepting: { status: "busy" } } });
      const answer = await calls.acceptInvite({ url: invite.url });
      if (answer.ok) set({ invite: { status: "none" } });
      else set({ invite: { ...invite, accepting: { status: "failed", failure: answer.failure } } });
      return answer;
    },
    dismissInvite: () => set({ invite: { status: "none" } }),
    answerRequest: (requestId, accept) => calls.answerContactRequest({ requestId, accept }),
    createGroup: (title, memberIds) => calls.createGroup({ title, memberIds }),
  }));
  onEvent((event) => {
    if (event.type === "contact-requests") store.setState({ requests: event.requests });
  });
  return store;
}

/** The link of an invite that the server itself offers; the worker knows its fingerprint from the offer. */
export const offerUrl = (code: string): string => `/i/${encodeURIComponent(code)}`;
