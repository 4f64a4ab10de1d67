/**
 * An open account at work: its endpoint, what is known of people and conversations, and the routes from the
 * endpoint's events to both and to the pages. Modules that answer calls take this and nothing else.
 */
import type { EngineEvent } from "#bridge/events.ts";
import type { ConnectionView } from "#bridge/views.ts";
import { approvalLocale, type ApprovalLocale } from "#crypto/approval-view.ts";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import type { Signer } from "#crypto/identity.ts";
import { createDeviceTokens } from "#peer/accounts.ts";
import { createEndpoint, type PeerEndpoint } from "#peer/create-endpoint.ts";
import type { EndpointEvent } from "#peer/endpoint.ts";
import { createStoreKeyVault } from "#peer/key-vault.ts";
import type { Store } from "#peer/store.ts";
import { createRest, type Tokens } from "#peer/rest.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { nameBackup } from "./set-password.ts";
import type { OpenAccount } from "./account-vault.ts";
import { keysOf, type AccountRecord } from "./account-keys.ts";
import type { Carrier } from "./carrier.ts";
import { openBook, type Book } from "./conversations/book.ts";
import {
  makeConversation,
  type ConversationChange,
  type Member,
} from "./conversations/conversation.ts";
import type { PeopleContext } from "./conversations/conversation-view.ts";
import { syncConversations } from "./conversations/sync.ts";
import type { EngineDeps } from "./deps.ts";
import { openFileDesk, type FileDesk } from "./files/file-desk.ts";
import { hearDoubt, hearFailure } from "./hear-trouble.ts";
import { openHandover, type Handover } from "./handover.ts";
import { isRemoved, keepLine, viewEnd, viewStatus } from "./line.ts";
import { createLiveStreams, type LiveStreams } from "./live-streams.ts";
import { loadPeople, type People } from "./people.ts";
import { createPlainAgents, type PlainAgents } from "./plain/plain-agents.ts";
import { plainCarrier } from "./plain/plain-carrier.ts";
import { loadRecords, TABLE } from "./records.ts";
import { loadRemarks, type Remarks } from "./remarks.ts";
import { relayCarrier } from "./relay-carrier.ts";
import type { ThreadEvent } from "./thread/thread.ts";
import { createSearchTexts, type SearchTexts } from "./search-texts.ts";
import { loadConsents, signedScopes } from "./tool-consent.ts";
import { createTyping } from "./typing.ts";

export interface Session {
  readonly deps: EngineDeps;
  readonly store: Store;
  /** What is searched. */
  readonly texts: SearchTexts;
  readonly endpoint: PeerEndpoint;
  readonly people: People;
  /** Names this person gave contacts. */
  readonly remarks: Remarks;
  readonly peopleContext: PeopleContext;
  readonly book: Book;
  readonly liveStreams: LiveStreams;
  readonly plain: PlainAgents;
  readonly files: FileDesk;
  /** What carries this conversation, now. */
  carrierOf(conversationId: ConversationId): Carrier;
  /** Device links, and history from and to further devices. */
  readonly handover: Handover;
  /** Whole links the relay's operator offers, by invite code. */
  readonly offeredLinks: Map<string, string>;
  readonly signer: Signer;
  readonly selfId: AccountId;
  /** Form values by `conversation/artifact`, unsent. */
  readonly formDrafts: Map<string, Readonly<Record<string, unknown>>>;
  /** Until when tools of a scope may run unasked, by `conversation/scope`. */
  readonly toolConsents: Map<string, { readonly until: number }>;
  account(): OpenAccount;
  setAccount(account: OpenAccount): void;
  locale(): ApprovalLocale;
  setLocale(tag: string): void;
  connection(): ConnectionView;
  /** The page saw the network go; the line itself finds out later. */
  noteOffline(): void;
  /** A conversation that is known to exist here now, with its members by the ledger. */
  admit(input: {
    readonly id: ConversationId;
    readonly kind: "h2h" | "h2a" | "group";
    readonly peerId: AccountId | null;
    readonly relation: "pending" | "established" | "suspended" | "revoked";
  }): Promise<void>;
  /** Asks the relay for the list of conversations and contact requests. */
  sync(): Promise<void>;
  close(drainMs: number): Promise<void>;
}

/** What a session tells: events for every page, and thread events for pages that have the thread open. */
export type SessionSinks = {
  readonly emit: (event: EngineEvent) => void;
  readonly thread: (conversationId: ConversationId, events: readonly ThreadEvent[]) => void;
  /** The line is there and the lists are level. */
  readonly level: () => void;
  /** Everything drawn of a thread may look different: a name, a mark, a member. */
  readonly redraw: (conversationId: ConversationId) => void;
};

/** Opens the session of an account; it shows what is stored at once and connects by itself. */
export async function openSession(
  deps: EngineDeps,
  opened: OpenAccount,
  sinks: SessionSinks,
): Promise<Session> {
  let account = opened;
  let locale: ApprovalLocale = "en";
  const line = keepLine(sinks, () => book);
  const texts = createSearchTexts(account.store);
  const { store } = texts;
  const selfId: AccountId = account.record.userId;
  const { endpoint, tokens } = openEndpoint(deps, store, account.record);
  const { people, remarks } = await loadContacts(deps, store, endpoint.rest, sinks, {
    record: () => account.record,
    book: () => book,
    isPlain: (id) => plain.has(id),
  });
  const typing = createTyping((conversationId, accountIds) => {
    sinks.emit({ type: "typing", conversationId, accountIds });
    book.touch(conversationId);
  });
  const peopleContext: PeopleContext = {
    selfId,
    nameOf: people.nameOf,
    ownNameOf: people.ownNameOf,
    trustOf: people.trustOf,
    changeOf: people.changeOf,
    presenceOf: people.presenceOf,
    isStateless: (id) => people.get(id)?.isStateless ?? false,
    suggestionsOf: (id) => people.get(id)?.suggestions ?? [],
    isFileHere: (attachmentId) => files.isHere(attachmentId),
    isCutOff: (id) => isRemoved(line.view()) && !plain.has(id),
  };
  const plain = createPlainAgents({ deps, store, selfId, people, sinks, book: () => book });
  const parts = { deps, store, endpoint, tokens };
  const files = await openFileDesk({ ...parts, ...tellOfFiles(sinks, () => book) });
  const book = await openBook({
    store,
    clock: deps.clock,
    gatherMs: deps.gatherMs,
    people: () => peopleContext,
    typingIn: typing.in,
    channelOf: (id) => plain.headOf(id),
    outgoingIn: (id) => session.carrierOf(id).outgoing(),
    emit: sinks.emit,
  });
  const formDrafts = new Map(
    await loadRecords<Readonly<Record<string, unknown>>>(store, TABLE.formDrafts),
  );
  const toolConsents = await loadConsents(store);

  const admit: Session["admit"] = async ({ id, kind, peerId, relation }) => {
    if (book.get(id) === null) {
      book.add(makeConversation({ id, kind, peerId, relation, createdAt: deps.clock.now() }));
    } else {
      book.change(id, { type: "relation", relation });
    }
    const ledger = await endpoint.ledger(id);
    if (ledger !== null) takeLedger(ledger);
  };
  const takeLedger = (state: ConversationState): void => {
    const members = membersOf(state);
    book.change(state.conversationId, ledgerChange(state));
    sinks.redraw(state.conversationId);
    noteSigned(endpoint, people, members);
    void people.want(members).then(() => noteSigned(endpoint, people, members));
  };
  const level = async (): Promise<void> => {
    account = await nameBackup(deps, endpoint.rest, account);
    await Promise.all([sync(), remarks.level()]);
    await handover.take();
  };
  const sync = (): Promise<void> => syncConversations(session, sinks);

  const hear = (event: EndpointEvent): void => {
    switch (event.type) {
      case "status":
        line.become(viewStatus(event.status, line.view(), deps.clock.now()));
        files.messages.setOnline(event.status.status === "online");
        if (event.status.status === "online") void level().then(sinks.level);
        return;
      case "session-invalidated":
        return line.become(viewEnd(event.reason));
      case "entry": {
        const { entry } = event;
        const id = entry.conversationId;
        if (book.get(id) === null) void sync();
        book.change(id, { type: "entries", entries: [entry] });
        liveStreams.end(entry);
        if (entry.content.kind === "recalled") files.forgetMessage(entry.content.messageId);
        if (entry.authorId !== selfId) typing.set(id, entry.authorId, false);
        return sinks.thread(id, [{ type: "entry", entry }]);
      }
      case "mended":
        return sinks.thread(event.entry.conversationId, [{ type: "entry", entry: event.entry }]);
      case "outgoing":
        book.touch(event.message.conversationId);
        return sinks.thread(event.message.conversationId, [
          { type: "outgoing", message: event.message },
        ]);
      case "receipt":
        return takeReceipt(event);
      case "typing":
        return typing.set(event.conversationId, event.accountId, event.typing);
      case "presence":
        return people.setPresence(event.accountId, event.state);
      case "stream-start":
      case "stream-text":
        liveStreams.hear(event.conversationId, event);
        return sinks.thread(event.conversationId, [event]);
      case "ledger":
        return takeLedger(event.state);
      case "missing":
        return sinks.thread(event.missing.conversationId, [event]);
      case "fork":
      case "ledger-withheld":
      case "identity-changed":
        return hearDoubt(event, { people, book, sinks });
      case "history-waiting":
        return void handover.take();
      case "agent-relations-changed":
        return sinks.emit({ type: "agent-relations", agentId: event.agentId });
      case "contact-remarked":
        return void remarks.level();
      case "contact-requested":
      case "contact-accepted":
        return void sync();
      case "reset":
        if (event.conversationId !== null)
          sinks.emit({ type: "history-reset", conversationId: event.conversationId });
        return;
      case "error":
        return hearFailure(event.failure, deps, liveStreams, sinks);
      case "stream-stop-requested":
      case "evicted":
        return;
    }
  };
  const takeReceipt = (event: Extract<EndpointEvent, { readonly type: "receipt" }>): void => {
    const { conversationId: id, accountId, seq, status } = event;
    if (accountId === selfId) {
      // Another device of this person read on.
      if (status === "read") void book.markRead(id, seq);
      return;
    }
    book.change(id, { type: "mark", accountId, status, seq });
    sinks.redraw(id);
    const marks = Object.entries(book.get(id)?.marksById ?? {});
    const readSeqById = Object.fromEntries(marks.map(([who, { read }]) => [who, read]));
    sinks.emit({ type: "read-receipts", conversationId: id, readSeqById });
  };
  const around = { account: () => account, people, book, sinks, sync: () => sync() };
  const handover = openHandover(deps, store, endpoint, around);
  const liveStreams = createLiveStreams();
  const off = endpoint.on(hear);
  const session: Session = {
    deps,
    store,
    texts,
    endpoint,
    people,
    remarks,
    peopleContext,
    book,
    liveStreams,
    plain,
    files,
    carrierOf: (id) =>
      plain.has(id) ? plainCarrier(session, id) : relayCarrier(session, sinks, id),
    handover,
    offeredLinks: new Map(),
    signer: keysOf(deps.primitives, account.record).device,
    selfId,
    formDrafts,
    toolConsents,
    account: () => account,
    setAccount: (next) => (account = next),
    locale: () => locale,
    setLocale: (tag) => (locale = approvalLocale(tag)),
    connection: line.view,
    noteOffline() {
      const { status } = line.view();
      if (status !== "refused" && status !== "offline")
        line.become({ status: "offline", since: deps.clock.now() });
    },
    admit,
    sync,
    async close(drainMs) {
      off();
      files.close();
      handover.close();
      await plain.close();
      await endpoint.close(drainMs);
      await book.close();
    },
  };
  files.messages.start();
  endpoint.start();
  await plain.start();
  return session;
}

/** Who is known, and by which names. */
async function loadContacts(
  deps: EngineDeps,
  store: Store,
  rest: PeerEndpoint["rest"],
  sinks: SessionSinks,
  around: {
    readonly record: () => AccountRecord;
    readonly book: () => Book;
    readonly isPlain: (conversationId: ConversationId) => boolean;
  },
): Promise<Pick<Session, "people" | "remarks">> {
  const { record, book, isPlain } = around;
  const onChanged = (accountId: AccountId): void => {
    book().touchWhere(accountId);
    for (const { id, members } of book().list())
      if (members.some((member) => member.id === accountId)) sinks.redraw(id);
  };
  const isOnlyHere = (accountId: AccountId): boolean =>
    book()
      .list()
      .some(({ id, peerId }) => peerId === accountId && isPlain(id));
  const remarks = await loadRemarks({ deps, store, rest, record, isOnlyHere, onChanged });
  const self = { id: record().userId, name: () => record().displayName };
  const now = (): number => deps.clock.now();
  const people = await loadPeople({ store, rest, self, now, remarkOf: remarks.of, onChanged });
  return { people, remarks };
}

const tellOfFiles = (
  sinks: SessionSinks,
  book: () => Book,
): Pick<Parameters<typeof openFileDesk>[0], "changed" | "tell"> => ({
  changed(conversationId, messageId, message) {
    sinks.thread(conversationId, [
      message === null ? { type: "outgoing-gone", messageId } : { type: "outgoing", message },
    ]);
    book().touch(conversationId);
  },
  tell: (transfer) => sinks.emit({ type: "transfer", transfer }),
});

/** What agents signed of themselves: every device and member knows it, not only who opened the invite. */
function noteSigned(endpoint: PeerEndpoint, people: People, members: readonly Member[]): void {
  const note = async (id: AccountId): Promise<void> => {
    const agent = await endpoint.account(id);
    if (!agent.ok) return;
    const isStateless = agent.value.mode === "envelope";
    const scopes = signedScopes(people.get(id)?.scopes, agent.value.manifestHash);
    await people.note({ id, kind: "agent", isStateless, signedScopes: scopes });
  };
  for (const { id, kind } of members) if (kind === "agent") void note(id);
}

/** Members and rights by the ledger, which alone is believed. */
export const ledgerChange = (state: ConversationState): ConversationChange => ({
  type: "ledger",
  members: membersOf(state),
  membersMayAdd: state.membersMayAdd,
  isClosed: state.isClosed,
});

const membersOf = (state: ConversationState): readonly Member[] =>
  [...state.members].map(([id, { kind, role }]) => ({ id, kind, role }));

function openEndpoint(
  deps: EngineDeps,
  store: Store,
  record: AccountRecord,
): { readonly endpoint: PeerEndpoint; readonly tokens: Tokens } {
  const keys = keysOf(deps.primitives, record);
  const { userId, deviceId } = record;
  const tokens = createDeviceTokens({
    rest: createRest({ ...deps, baseUrl: deps.origin, tokens: null }),
    clock: deps.clock,
    login: { origin: deps.origin, userId, deviceId, signer: keys.device },
  });
  const endpoint = createEndpoint({
    ...deps,
    store,
    baseUrl: deps.origin,
    tokens,
    identity: {
      accountId: record.userId,
      deviceId: record.deviceId,
      kind: "human",
      signer: keys.device,
      identityKey: keys.identity.publicKey,
      bootstrapKey: null,
    },
    vault: createStoreKeyVault(store),
    keepLog: true,
    acknowledge: "on-commit",
    addedAt: record.createdAt,
  });
  return { endpoint, tokens };
}
