/**
 * The parts of an endpoint, each made once and tied to those it needs. Nothing starts here; what happens when is
 * `create-endpoint.ts`'s affair.
 */
import { bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, equalBytes, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { fingerprint, type Signer } from "#crypto/identity.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { AccountId, AgentId, ConversationId, DeviceId } from "#protocol/ids.ts";
import * as v from "valibot";
import { createAcker, type Acker } from "./acker.ts";
import { createConnection, type Connection } from "./connection.ts";
import { startDraft } from "./draft.ts";
import type { EndpointEvent, Entry } from "./endpoint.ts";
import { createEntryMaker, type Claim } from "./entry-maker.ts";
import type { PeerFailure } from "./failure.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import { parseRecord } from "./json-record.ts";
import type { KeyVault } from "./key-vault.ts";
import { createGaps } from "./gaps.ts";
import { createKeyring, type Keyring } from "./keyring.ts";
import { createLedgers, type Ledgers } from "./ledgers.ts";
import { createMembership, type Membership } from "./membership.ts";
import { createOpener } from "./opener.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { createOwnProgress, type OwnProgress } from "./own-progress.ts";
import { createOwnPrekeys, type OwnPrekeys } from "./prekey-keeper.ts";
import { createPutAway } from "./put-away.ts";
import { createRecallSender, type RecallSender } from "./recall.ts";
import { createReceiverSessions, type OwnView } from "./receiver-sessions.ts";
import { createRecipientFinder, type RecipientFinder } from "./recipients.ts";
import { createRelayChannel, type RelayChannel } from "./relay-channel.ts";
import { createResting, type Resting } from "./resting.ts";
import { createRest, type Fetch, type Rest, type Tokens } from "./rest.ts";
import { createSeenMessages, type SeenMessages } from "./seen-messages.ts";
import { createSenderSessions, type SenderSessions } from "./sender-sessions.ts";
import { createSignals, type Signals } from "./signals.ts";
import type { OpenSocket } from "./socket.ts";
import { createStatements, type Statements } from "./statements.ts";
import type { Store } from "./store.ts";
import { createStreamReader, type StreamReader } from "./stream-reader.ts";
import { createStreamWriters, type StreamWriters } from "./stream-writer.ts";

/** Who this endpoint is: one device of a person, or one process of an agent. */
export type EndpointIdentity = {
  readonly accountId: AccountId;
  /** An agent's is its account id. */
  readonly deviceId: DeviceId;
  readonly kind: "human" | "agent";
  /** A person's device key; an agent's identity key. */
  readonly signer: Signer;
  /** The account's own identity key, 32 bytes: what the relay shows as our ledger must begin with it. */
  readonly identityKey: Bytes;
  /** An agent's long-lived X25519 private key, 32 bytes, for sessions opened without a prekey. */
  readonly bootstrapKey: Secret<Bytes> | null;
};

export type EndpointOptions = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly store: Store;
  readonly openSocket: OpenSocket;
  readonly fetch: Fetch;
  /** `http:` or `https:` address of the relay; the socket's is made from it. */
  readonly baseUrl: string;
  readonly tokens: Tokens;
  readonly identity: EndpointIdentity;
  /** Null: no prekeys are offered, and sessions open to the card's long-lived key. */
  readonly vault: KeyVault | null;
  /** Whether entries, chains and cursors are kept here (a browser) or the relay's cursor rules (an agent). */
  readonly keepLog: boolean;
  readonly acknowledge: "on-commit" | "by-caller";
  /** A person's device: when it was added, epoch ms. What was said before was not sealed for it. */
  readonly addedAt?: number;
  /** Asked before an opened message is told. */
  readonly claim?: Claim;
  /** Opens what other processes of the same agent said, instead of only naming it. Default false. */
  readonly readsOwn?: boolean;
  /** How many conversations are kept in memory before the ones at rest are put away. Default: all. */
  readonly conversationsInMemory?: number;
  /** Told when a conversation leaves memory. */
  readonly onPutAway?: (conversationId: ConversationId) => void;
};

/** What the parts tell outwards. */
export type Outward = {
  readonly emit: (event: EndpointEvent) => void;
  readonly report: (failure: PeerFailure) => void;
  /** An entry is stored and about to be told. */
  readonly notice: (entry: Entry) => void;
};

export type Parts = Trust &
  Lines &
  Sending & {
    readonly inbox: Inbox;
    readonly statements: Statements;
    readonly reader: StreamReader;
    readonly writers: StreamWriters;
    readonly acker: Acker;
    readonly signals: Signals;
    readonly membership: Membership;
    readonly recalls: RecallSender;
    readonly resting: Resting;
  };

/** The epoch of the log that the store's positions belong to. */
export const META_TABLE = "meta";
export const LOG_EPOCH_KEY = "log-epoch";

/** Makes and ties all parts of one endpoint. */
export function assembleParts(options: EndpointOptions, outward: Outward): Parts {
  const { primitives, clock, random, keepLog } = options;
  const { emit } = outward;
  const self = selfOf(options);
  const trust = assembleTrust(options, outward);
  // Sending and receiving need each other; neither starts before both are there.
  const lines = assembleLines(options, () => ({ inbox, reader }));
  const { channel } = lines;
  const seen = createSeenMessages({ store: options.store, isKept: keepLog });
  const sending = assembleSending(options, trust, channel, seen, outward, () => inbox);
  const { outbox, senders, progress } = sending;
  const reader = createStreamReader({
    primitives,
    clock,
    emit,
    send: (frame) => channel.send(frame),
  });
  const acker = createAcker({
    clock,
    send: (conversation_id, seq) =>
      channel.isReady() && channel.send({ type: "message.ack", conversation_id, seq }),
  });
  const { inbox, statements } = assembleInbox(
    options,
    { ...trust, outbox, reader, acker, seen },
    outward,
  );
  const writers = createStreamWriters({
    primitives,
    clock,
    random,
    channel,
    outbox,
    sessions: senders,
    emit,
    placeStart: placeStartIn(inbox, seen, progress, self),
  });
  const signals = createSignals({ clock, send: (frame) => channel.send(frame), emit });
  const parts = { ...trust, ...sending, inbox, reader, writers, signals };
  return {
    ...trust,
    ...lines,
    ...sending,
    inbox,
    statements,
    reader,
    writers,
    acker,
    signals,
    resting: createResting({
      ...createPutAway({ ...parts, ownId: self.accountId }),
      clock,
      limit: options.conversationsInMemory ?? Infinity,
      isReady: () => channel.isReady(),
    }),
    membership: createMembership({ primitives, clock, self, ...trust }),
    recalls: createRecallSender({
      clock,
      random,
      self,
      channel,
      outbox,
      sessions: senders,
      inbox,
      store: options.store,
      placed: (message) => progress.placed(message),
    }),
  };
}

type Trust = {
  readonly rest: Rest;
  readonly keyring: Keyring;
  readonly ledgers: Ledgers;
  readonly prekeys: OwnPrekeys;
  readonly ownFingerprint: Bytes;
  /** Who we are to a reader. Fails with `peer/key-changed` when the relay shows another account as ours. */
  readonly ownView: () => Promise<Result<OwnView, PeerFailure>>;
};

function assembleTrust(options: EndpointOptions, { emit }: Outward): Trust {
  const { primitives, store, identity } = options;
  const { accountId, deviceId, identityKey } = identity;
  const rest = createRest(options);
  const keyring = createKeyring({
    primitives,
    store,
    rest,
    onIdentityChanged: (changed, change) =>
      emit({ type: "identity-changed", accountId: changed, change }),
  });
  const ledgers = createLedgers({
    primitives,
    store,
    rest,
    keyring,
    onChanged: (state) => emit({ type: "ledger", conversationId: state.conversationId, state }),
    onFork: (conversationId) => emit({ type: "fork", conversationId }),
    onWithheld: (conversationId, isWithheld) =>
      emit({ type: "ledger-withheld", conversationId, isWithheld }),
  });
  const ownFingerprint = fingerprint(primitives, accountId, identityKey);
  const ownView = async (): Promise<Result<OwnView, PeerFailure>> => {
    const account = await keyring.account(accountId);
    if (!account.ok) return account;
    const { identityKey: shownKey, suiteFloor, mode } = account.value;
    return equalBytes(shownKey, identityKey)
      ? ok({ accountId, deviceId, fingerprint: ownFingerprint, suiteFloor, mode })
      : err({ kind: "peer/key-changed", accountId });
  };
  const prekeys = createOwnPrekeys(options.vault);
  return { rest, keyring, ledgers, prekeys, ownFingerprint, ownView };
}

type Lines = { readonly connection: Connection; readonly channel: RelayChannel };

function assembleLines(
  options: EndpointOptions,
  later: () => { readonly inbox: Inbox; readonly reader: StreamReader },
): Lines {
  const { clock, store, identity, keepLog } = options;
  const agentId = agentIdOf(identity);
  const connection = createConnection({
    ...options,
    url: socketUrl(options.baseUrl, agentId),
    agentId,
    connectionHint: bytesToHex(options.random(16)),
  });
  const readEpoch = async (): Promise<string | null> =>
    keepLog ? parseRecord(v.string(), await store.get(META_TABLE, LOG_EPOCH_KEY)) : null;
  const channel = createRelayChannel({
    clock,
    random: options.random,
    connection,
    resumePoint: async () => ({
      logEpoch: await readEpoch(),
      cursors: await later().inbox.cursors(),
      streams: later().reader.positions(),
    }),
  });
  return { connection, channel };
}

type Sending = {
  readonly outbox: Outbox;
  readonly senders: SenderSessions;
  readonly finder: RecipientFinder;
  readonly progress: OwnProgress;
};

function assembleSending(
  options: EndpointOptions,
  trust: Trust,
  channel: RelayChannel,
  seen: SeenMessages,
  { emit }: Outward,
  inbox: () => Inbox,
): Sending {
  const { primitives, clock, random, store } = options;
  const self = selfOf(options);
  const finder = createRecipientFinder({ primitives, clock, store, self, ...trust });
  const ownFingerprint = async (): Promise<Result<Bytes, PeerFailure>> => {
    const view = await trust.ownView();
    return view.ok ? ok(view.value.fingerprint) : view;
  };
  const { keyring, ledgers } = trust;
  const senders = createSenderSessions({
    primitives,
    clock,
    store,
    self,
    ownFingerprint,
    keyring,
    ledgers,
    finder,
    onOver: (conversationId, sid, count) => progress.over(conversationId, sid, count),
  });
  const progress: OwnProgress = createOwnProgress({
    primitives,
    clock,
    store,
    self,
    channel,
    senders,
    later: () => ({ outbox, inbox: inbox() }),
  });
  const outbox: Outbox = createOutbox({
    clock,
    random,
    store,
    channel,
    sessions: senders,
    seen,
    self,
    place: (entry, draft) => inbox().place(entry, draft),
    placed: (message) => progress.placed(message),
    emit,
  });
  return { outbox, senders, finder, progress };
}

function assembleInbox(
  options: EndpointOptions,
  parts: Trust & {
    readonly outbox: Outbox;
    readonly reader: StreamReader;
    readonly acker: Acker;
    readonly seen: SeenMessages;
  },
  { emit, report, notice }: Outward,
): { readonly inbox: Inbox; readonly statements: Statements } {
  const { primitives, clock, store, keepLog, identity } = options;
  const { rest, ledgers, outbox, seen, acker, reader } = parts;
  const sessions = createReceiverSessions({
    ...parts,
    primitives,
    clock,
    store,
    bootstrap: identity.bootstrapKey,
    isKept: keepLog,
  });
  const opener = createOpener({
    ...parts,
    primitives,
    clock,
    store,
    self: parts.ownView,
    sessions,
  });
  const statements = createStatements({
    ...parts,
    primitives,
    clock,
    store,
    self: identity,
    sessions,
    isKept: keepLog,
    whenLevel: (conversationId, task) => inbox.whenLevel(conversationId, task),
    emit,
  });
  const maker = createEntryMaker({
    primitives,
    self: identity,
    store,
    ledgers,
    opener,
    seen,
    gaps: createGaps({ store, seen, isKept: keepLog }),
    own: outbox,
    reader,
    statements,
    isKept: keepLog,
    claim: options.claim ?? null,
    readsOwn: options.readsOwn ?? false,
    addedAt: options.addedAt ?? null,
    onFailure: report,
  });
  const inbox: Inbox = createInbox({
    clock,
    store,
    rest,
    maker,
    sessions,
    seen,
    acker,
    statements,
    keepLog,
    isAckedByCaller: options.acknowledge === "by-caller",
    hasOwnInFlight: (conversationId) => outbox.hasInFlight(conversationId),
    onPutAway: (conversationId) => options.onPutAway?.(conversationId),
    emit: (event) => {
      if (event.type === "entry") notice(event.entry);
      emit(event);
    },
  });
  return { inbox, statements };
}

/** Own stream starts stand in the log like every own message. */
const placeStartIn =
  (
    inbox: Inbox,
    seen: SeenMessages,
    progress: OwnProgress,
    self: Pick<EndpointIdentity, "accountId" | "deviceId" | "kind">,
  ): Parameters<typeof createStreamWriters>[0]["placeStart"] =>
  async ({ conversationId, messageId, payload }, sealed, place) => {
    const draft = startDraft();
    seen.add(conversationId, messageId, place.seq, draft);
    const { messageHash, plaintextHash, header, reduced } = sealed;
    if (header.hasSessionWrap) draft.puts.push(progress.placed({ ...header, messageHash }));
    await inbox.place(
      {
        conversationId,
        ...place,
        authorId: self.accountId,
        authorKind: self.kind,
        authorDeviceId: self.deviceId,
        content: {
          kind: "message",
          messageId,
          payload,
          messageHash: bytesToBase64(messageHash),
          plaintextHash: bytesToBase64(plaintextHash),
          streamId: null,
          gap: false,
          suite: header.suite,
          mode: header.hasSessionWrap ? "session" : "envelope",
          reduced,
        },
      },
      draft,
    );
  };

const selfOf = ({ identity }: EndpointOptions) => ({
  accountId: identity.accountId,
  deviceId: identity.deviceId,
  kind: identity.kind,
  signer: identity.signer,
});

/** Null for a person. */
export const agentIdOf = ({ accountId, kind }: EndpointIdentity): AgentId | null =>
  kind === "agent" ? (accountId as AgentId) : null;

function socketUrl(baseUrl: string, agentId: AgentId | null): string {
  const base = baseUrl.replace(/\/+$/, "").replace(/^http/, "ws");
  return agentId === null ? `${base}/ws/human` : `${base}/ws/agent?agent_id=${agentId}`;
}
