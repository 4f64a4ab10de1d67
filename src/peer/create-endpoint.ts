/**
 * Builds an endpoint from its parts and routes between them: frames to who understands them, a new line to who waited
 * for one. Every rule is in a part; this file only says what touches what.
 */
import { bytesToHex, concat, equalBytes, utf8, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { createEmitter } from "#base/emitter.ts";
import { assert } from "#base/invariant.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { fingerprint, type Signer } from "#crypto/identity.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { isDurableFrame } from "#protocol/frame.ts";
import {
  makeId,
  type AccountId,
  type AgentId,
  type DeviceId,
  type MessageId,
} from "#protocol/ids.ts";
import type { KnownPayload } from "#protocol/payload.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import { Empty } from "#protocol/rest.ts";
import * as v from "valibot";
import { createAcker } from "./acker.ts";
import { createConnection } from "./connection.ts";
import { startDraft } from "./draft.ts";
import type { Endpoint, EndpointEvent, SendOptions } from "./endpoint.ts";
import { parseEntry } from "./entry.ts";
import { createEntryMaker, type Claim } from "./entry-maker.ts";
import type { PeerFailure } from "./failure.ts";
import { createInbox } from "./inbox.ts";
import { encodeRecord, parseRecord } from "./json-record.ts";
import type { KeyVault } from "./key-vault.ts";
import { createKeyring } from "./keyring.ts";
import { createLedgers } from "./ledgers.ts";
import { createMembership } from "./membership.ts";
import { createOpener } from "./opener.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { createOwnPrekeys, tendPrekeys } from "./prekey-keeper.ts";
import { createRecallSender } from "./recall.ts";
import { createReceiverSessions, type OwnView } from "./receiver-sessions.ts";
import { createRecipientFinder } from "./recipients.ts";
import { createRelayChannel } from "./relay-channel.ts";
import { createRest, type Fetch, type Rest, type Tokens } from "./rest.ts";
import { createSeenMessages } from "./seen-messages.ts";
import { createSenderSessions } from "./sender-sessions.ts";
import { createSignals } from "./signals.ts";
import type { OpenSocket } from "./socket.ts";
import type { Store } from "./store.ts";
import { createStreamReader } from "./stream-reader.ts";
import { createStreamWriters } from "./stream-writer.ts";

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
  /** Asked before an opened message is told. */
  readonly claim?: Claim;
};

/** An endpoint, and the parts that its embedding program uses beside. */
export type PeerEndpoint = Endpoint & { readonly rest: Rest };

const TEND_PREKEYS_EVERY_MS = 3_600_000;
const META = "meta";
const LOG_EPOCH = "log-epoch";

/** Creates an endpoint that is silent until started. Failures are those of {@link Endpoint}'s calls and events. */
export function createEndpoint(options: EndpointOptions): PeerEndpoint {
  const { primitives, clock, random, log, store, identity, keepLog } = options;
  const { accountId, deviceId, kind } = identity;
  const agentId = kind === "agent" ? (accountId as AgentId) : null;
  const self = { accountId, deviceId, kind, signer: identity.signer };
  const events = createEmitter<EndpointEvent>();
  const emit = (event: EndpointEvent): void => events.emit(event);
  const report = (failure: PeerFailure, fatal = false): void =>
    emit({ type: "error", failure, fatal });
  let isClosed = false;
  let stopTending = () => {};

  const rest = createRest({ ...options, tokens: options.tokens });
  const keyring = createKeyring({
    primitives,
    store,
    rest,
    onIdentityChanged: (changed) => emit({ type: "identity-changed", accountId: changed }),
  });
  const ledgers = createLedgers({
    primitives,
    store,
    rest,
    keyring,
    onChanged: (state) => emit({ type: "ledger", conversationId: state.conversationId, state }),
    onFork: (conversationId) => emit({ type: "fork", conversationId }),
  });
  const ownFingerprint = fingerprint(primitives, accountId, identity.identityKey);
  const ownView = async (): Promise<Result<OwnView, PeerFailure>> => {
    const account = await keyring.account(accountId);
    if (!account.ok) return account;
    if (!equalBytes(account.value.identityKey, identity.identityKey)) {
      return err({ kind: "peer/key-changed", accountId });
    }
    const { suiteFloor } = account.value;
    return ok({ accountId, deviceId, fingerprint: ownFingerprint, suiteFloor });
  };

  const connection = createConnection({
    ...options,
    url: socketUrl(options.baseUrl, agentId),
    agentId,
    connectionHint: bytesToHex(random(16)),
  });
  const channel = createRelayChannel({
    clock,
    connection,
    resumePoint: async () => ({
      logEpoch: keepLog ? parseRecord(v.string(), await store.get(META, LOG_EPOCH)) : null,
      cursors: await inbox.cursors(),
      streams: reader.positions(),
    }),
  });
  const prekeys = createOwnPrekeys(options.vault);
  const finder = createRecipientFinder({ primitives, clock, rest, keyring, self });
  const senders = createSenderSessions({
    primitives,
    clock,
    self,
    ownFingerprint: async () => {
      const view = await ownView();
      return view.ok ? ok(view.value.fingerprint) : view;
    },
    keyring,
    ledgers,
    finder,
  });
  const receivers = createReceiverSessions({
    primitives,
    clock,
    store,
    rest,
    prekeys,
    bootstrap: identity.bootstrapKey,
    isKept: keepLog,
  });
  const seen = createSeenMessages({ store, isKept: keepLog });
  const opener = createOpener({
    primitives,
    clock,
    store,
    self: ownView,
    keyring,
    ledgers,
    sessions: receivers,
    prekeys,
  });
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
  const outbox: Outbox = createOutbox({
    clock,
    random,
    store,
    channel,
    sessions: senders,
    seen,
    self,
    place: (entry, draft) => inbox.place(entry, draft),
    emit,
  });
  const maker = createEntryMaker({
    primitives,
    self,
    store,
    ledgers,
    opener,
    seen,
    own: outbox,
    reader,
    claim: options.claim ?? null,
    onFailure: report,
  });
  const inbox = createInbox({
    clock,
    store,
    rest,
    maker,
    sessions: receivers,
    seen,
    acker,
    keepLog,
    isAckedByCaller: options.acknowledge === "by-caller",
    hasOwnInFlight: outbox.hasInFlight,
    emit: (event) => {
      if (event.type === "entry") noticeEntry(event.entry.content, event.entry);
      emit(event);
    },
  });
  const writers = createStreamWriters({
    primitives,
    clock,
    random,
    channel,
    outbox,
    sessions: senders,
    emit,
    async placeStart({ conversationId, messageId, payload }, sealed, place) {
      const draft = startDraft();
      seen.add(conversationId, messageId, place.seq, draft);
      const { messageHash, plaintextHash, header } = sealed;
      const content = {
        kind: "message",
        messageId,
        payload,
        messageHash: bytesToBase64(messageHash),
        plaintextHash: bytesToBase64(plaintextHash),
        streamId: null,
        gap: false,
        suite: header.suite,
        mode: header.hasSessionWrap ? "session" : "envelope",
        reduced: false,
      } as const;
      const author = { authorId: accountId, authorKind: kind, authorDeviceId: deviceId };
      await inbox.place({ conversationId, ...place, ...author, content }, draft);
    },
  });
  const membership = createMembership({ primitives, clock, rest, keyring, ledgers, self });
  const recalls = createRecallSender({
    clock,
    random,
    self,
    channel,
    outbox,
    sessions: senders,
    inbox,
  });
  const signals = createSignals({ clock, send: (frame) => channel.send(frame), emit });

  const noticeEntry = (
    content: { readonly kind: string },
    entry: { readonly authorId: AccountId } & Placed,
  ): void => {
    if (content.kind === "message") signals.wrote(entry.conversationId, entry.authorId);
    if (content.kind === "stream-ended" && "streamId" in content)
      writers.ended(content.streamId as never);
  };

  const tend = async (): Promise<void> => {
    stopTending();
    stopTending = clock.after(TEND_PREKEYS_EVERY_MS, () => void tend());
    const account = await keyring.account(accountId);
    if (!account.ok) return report(account.failure);
    const path = agentId === null ? "/keys/prekeys" : `/agents/${agentId}/prekeys`;
    const { vault } = options;
    if (vault === null) {
      const withdrawn = await rest.call("PUT", path, Empty, { prekeys: [] });
      return withdrawn.ok ? undefined : report(withdrawn.failure);
    }
    const { mode, suiteFloor } = account.value;
    const tended = await tendPrekeys({
      primitives,
      vault,
      owner: { ...self, fingerprint: ownFingerprint, mode, suiteFloor },
      now: clock.now(),
      publish: async (wire) => {
        const published = await rest.call("PUT", path, Empty, { prekeys: wire });
        return published.ok ? ok(null) : published;
      },
    });
    if (!tended.ok) report(tended.failure);
    await prekeys.reload();
  };

  const hear = (frame: RelayFrame): void => {
    if (isDurableFrame(frame)) {
      if (frame.type === "stream.start" && keepLog) void followAgain(frame);
      return inbox.offer(frame);
    }
    if (signals.hear(frame)) return;
    switch (frame.type) {
      case "stream.delta":
        return reader.delta(frame);
      case "stream.abort":
        return writers.stopRequested(frame);
      case "keys.updated":
        return void keysUpdated(frame.user_id ?? frame.agent_id, frame.reason);
      case "contact.requested":
        return emit({ type: "contact-requested" });
      case "contact.accepted":
        return emit({ type: "contact-accepted", conversationId: frame.conversation_id });
      case "stream.ack":
        return writers.acked(frame.stream_id, frame.next_index);
      case "error":
        log.warn("peer.refused", { code: frame.code });
        if (frame.stream_id !== undefined) {
          writers.refused(frame.stream_id, frame.code, frame.retry_after_ms ?? 0);
        }
        return;
      default:
        return;
    }
  };

  /** A live stream whose start was stored by an earlier run is followed from its stored key. */
  const followAgain = async (frame: RelayFrameOf<"stream.start">): Promise<void> => {
    const { conversation_id: conversationId, conversation_seq: seq, stream_id: streamId } = frame;
    const row = await store.logAt(conversationId, seq);
    const entry = row === null ? null : parseEntry(row);
    if (entry?.content.kind !== "message" || entry.content.payload.type !== "stream") return;
    const { payload, messageId, messageHash } = entry.content;
    const key = base64ToBytes(payload.key);
    const startHash = base64ToBytes(messageHash);
    if (key === null || startHash === null || payload.stream_id !== streamId) return;
    if (entry.authorDeviceId === deviceId) return;
    const { authorId, at } = entry;
    reader.begin({ conversationId, streamId, messageId, authorId, at, key, startHash });
  };

  const keysUpdated = async (
    changed: AccountId | undefined,
    reason: RelayFrameOf<"keys.updated">["reason"],
  ): Promise<void> => {
    if (changed === undefined) return;
    finder.forget(changed);
    if (changed === accountId) {
      if (reason !== "prekey") await keyring.refresh(accountId);
      // A device that has no prekey yet would be sealed out by being announced.
      return membership.announce({ onlyReachable: true });
    }
    if (reason === "prekey") return;
    if (keyring.known(changed) === undefined) return;
    const refreshed = await keyring.refresh(changed);
    if (!refreshed.ok) report(refreshed.failure);
  };

  connection.on((event) => {
    if (event.type === "status") emit({ type: "status", status: event.status });
    else if (event.type === "evicted") emit({ type: "evicted" });
    else if (event.type === "failed") {
      if (event.failure.kind === "peer/session-invalidated") {
        emit({ type: "session-invalidated", reason: event.failure.reason });
      }
      report(event.failure, true);
    }
  });
  channel.on((event) => {
    if (event.type === "frame") return hear(event.frame);
    if (event.type === "lost") return;
    void (async () => {
      const { resumed } = event;
      await inbox.resumed(resumed);
      if (resumed !== null && keepLog) {
        // Only now: a reset that a crash interrupts must happen again.
        const value = encodeRecord(resumed.log_epoch);
        await store.commit({ puts: [{ table: META, key: LOG_EPOCH, value }] });
      }
      outbox.ready();
      writers.resume();
      signals.ready();
      await tend();
      await membership.announce({ onlyReachable: false });
    })();
  });

  return {
    accountId,
    deviceId,
    rest,
    on: (listener) => events.on(listener),
    status: () => connection.status(),
    start() {
      if (isClosed) return;
      void (async () => {
        await prekeys.reload();
        await outbox.start();
        if (!isClosed) connection.start();
      })();
    },
    async close(drainMs) {
      if (isClosed) return;
      isClosed = true;
      stopTending();
      await withinMs(clock, drainMs, outbox.drained());
      acker.flush();
      writers.close();
      reader.close();
      signals.close();
      outbox.close();
      inbox.close();
      connection.stop();
    },
    nudge: () => connection.nudge(),
    async send(conversationId, payload, sendOptions = {}) {
      if (isClosed) return err({ kind: "peer/closed" });
      assert(
        payload.type !== "stream" && payload.type !== "recall",
        "streams and recalls have their own calls",
      );
      return outbox.queue({
        conversationId,
        messageId: sendOptions.messageId ?? makeId<MessageId>(clock.now(), random),
        payload,
        contentType: sendOptions.contentType ?? contentTypeOf(payload),
        guard: guardOf(primitives, conversationId, sendOptions.guard),
        stream: null,
        alongside: sendOptions.alongside,
      });
    },
    settled: outbox.settled,
    retry: outbox.retry,
    discard: outbox.discard,
    outgoing: outbox.list,
    recall: recalls.recall,
    openStream: (conversationId) =>
      isClosed ? Promise.resolve(err({ kind: "peer/closed" })) : writers.open(conversationId),
    requestStop(conversation_id, stream_id) {
      channel.send({ type: "stream.abort", conversation_id, stream_id });
    },
    typing: signals.typing,
    markRead: signals.markRead,
    acknowledge: acker.dealtWith,
    foundConversation: membership.found,
    changeMembers: membership.change,
    async ledger(conversationId) {
      const state = await ledgers.state(conversationId);
      return state.ok ? state.value : null;
    },
    account: keyring.account,
    pin: keyring.pin,
    pullBefore: inbox.pullBefore,
  };
}

type Placed = { readonly conversationId: Parameters<Endpoint["typing"]>[0] };

/** Changes of what was said, and machinery, neither count as unread nor push. */
const contentTypeOf = (payload: KnownPayload): "encrypted" | "control" =>
  payload.type === "reaction" || payload.type === "artifact_update" || payload.type === "profile"
    ? "control"
    : "encrypted";

function guardOf(primitives: Primitives, conversationId: string, guard: SendOptions["guard"]) {
  if (guard === undefined) return null;
  const named = concat(utf8(conversationId), new Uint8Array(1), utf8(guard.artifactId));
  return {
    key: bytesToHex(primitives.sha256(named).subarray(0, 16)),
    basedOnRevision: guard.basedOnRevision ?? null,
    expiresAt: guard.expiresAt ?? null,
  };
}

function socketUrl(baseUrl: string, agentId: AgentId | null): string {
  const base = baseUrl.replace(/\/+$/, "").replace(/^http/, "ws");
  return agentId === null ? `${base}/ws/human` : `${base}/ws/agent?agent_id=${agentId}`;
}

/** Resolves with the task or with the time, whichever comes first, and leaves no timer behind. */
const withinMs = (clock: Clock, delayMs: number, task: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const stop = clock.after(delayMs, resolve);
    void task.then(() => {
      stop();
      resolve();
    });
  });
