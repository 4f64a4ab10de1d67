/**
 * An endpoint as its users see it: calls go to the part that understands them, frames and a new line to who waits for
 * one. Every rule is in a part; this file only says what touches what, and when.
 */
import { base64ToBytes } from "#base/base64.ts";
import { bytesToHex, concat, utf8, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { createEmitter } from "#base/emitter.ts";
import { assert } from "#base/invariant.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { isDurableFrame } from "#protocol/frame.ts";
import {
  makeId,
  type AccountId,
  type ConversationId,
  type DeviceId,
  type MessageId,
  type StreamId,
} from "#protocol/ids.ts";
import type { KnownPayload } from "#protocol/payload.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import { Empty } from "#protocol/rest.ts";
import type { ConnectionEvent } from "./connection.ts";
import type {
  ConnectionStatus,
  Endpoint,
  EndpointEvent,
  Entry,
  Missing,
  OutgoingMessage,
  SendOptions,
  StreamWriter,
} from "./endpoint.ts";
import {
  agentIdOf,
  assembleParts,
  LOG_EPOCH_KEY,
  META_TABLE,
  type EndpointIdentity,
  type EndpointOptions,
  type Parts,
} from "./endpoint-parts.ts";
import { parseEntry } from "./entry.ts";
import type { PeerFailure } from "./failure.ts";
import { encodeRecord } from "./json-record.ts";
import type { KnownCard } from "./keyring.ts";
import { tendPrekeys } from "./prekey-keeper.ts";
import { expireStoredChains } from "./receiver-sessions.ts";
import type { Rest } from "./rest.ts";

export type { EndpointIdentity, EndpointOptions };

/** An endpoint, and the parts that its embedding program uses beside. */
export type PeerEndpoint = Endpoint & { readonly rest: Rest };

const TEND_PREKEYS_EVERY_MS = 3_600_000;

/** Creates an endpoint that is silent until started. Failures are those of {@link Endpoint}'s calls and events. */
export const createEndpoint = (options: EndpointOptions): PeerEndpoint => new LiveEndpoint(options);

class LiveEndpoint implements PeerEndpoint {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly rest: Rest;
  readonly #options: EndpointOptions;
  readonly #parts: Parts;
  readonly #events = createEmitter<EndpointEvent>();
  #isClosed = false;
  #stopTending = (): void => {};

  constructor(options: EndpointOptions) {
    this.#options = options;
    ({ accountId: this.accountId, deviceId: this.deviceId } = options.identity);
    this.#parts = assembleParts(options, {
      emit: (event) => this.#events.emit(event),
      report: (failure) => this.#report(failure),
      notice: (entry) => this.#notice(entry),
    });
    this.rest = this.#parts.rest;
    this.#parts.connection.on((event) => this.#hearLine(event));
    this.#parts.channel.on((event) => {
      if (event.type === "frame") this.#hear(event.frame);
      else if (event.type === "ready") void this.#welcome(event.resumed);
    });
  }

  on(listener: (event: EndpointEvent) => void): () => void {
    return this.#events.on(listener);
  }

  status(): ConnectionStatus {
    return this.#parts.connection.status();
  }

  start(): void {
    if (!this.#isClosed) void this.#begin();
  }

  async close(drainMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { outbox, acker, writers, reader, signals, inbox, progress, statements, connection } =
      this.#parts;
    this.#stopTending();
    this.#parts.resting.close();
    const said = outbox.drained().then(() => (drainMs > 0 ? progress.finish() : undefined));
    await withinMs(this.#options.clock, drainMs, said);
    acker.flush();
    for (const part of [writers, reader, signals, outbox, progress, statements]) part.close();
    connection.stop();
    await inbox.close();
  }

  nudge(): void {
    this.#parts.connection.nudge();
  }

  async send(
    conversationId: ConversationId,
    payload: KnownPayload,
    options: SendOptions = {},
  ): Promise<Result<OutgoingMessage, PeerFailure>> {
    if (this.#isClosed) return err({ kind: "peer/closed" });
    const hasOwnCall = payload.type === "stream" || payload.type === "recall";
    assert(!hasOwnCall, "streams and recalls have their own calls");
    const { clock, random, primitives } = this.#options;
    this.#parts.resting.use(conversationId);
    return this.#parts.outbox.queue({
      conversationId,
      messageId: options.messageId ?? makeId<MessageId>(clock.now(), random),
      payload,
      contentType: options.contentType ?? contentTypeOf(payload),
      guard: guardOf(primitives, conversationId, options.guard),
      stream: null,
      alongside: options.alongside,
    });
  }

  settled(messageId: MessageId): Promise<OutgoingMessage> {
    return this.#parts.outbox.settled(messageId);
  }

  retry(messageId: MessageId): Promise<Result<null, PeerFailure>> {
    return this.#parts.outbox.retry(messageId);
  }

  discard(messageId: MessageId): Promise<Result<null, PeerFailure>> {
    return this.#parts.outbox.discard(messageId);
  }

  outgoing(): readonly OutgoingMessage[] {
    return this.#parts.outbox.list();
  }

  recall(conversationId: ConversationId, messageId: MessageId): Promise<Result<null, PeerFailure>> {
    this.#parts.resting.use(conversationId);
    return this.#parts.recalls.recall(conversationId, messageId);
  }

  async openStream(conversationId: ConversationId): Promise<Result<StreamWriter, PeerFailure>> {
    if (this.#isClosed) return err({ kind: "peer/closed" });
    this.#parts.resting.use(conversationId);
    return this.#parts.writers.open(conversationId);
  }

  requestStop(conversation_id: ConversationId, stream_id: StreamId): void {
    this.#parts.channel.send({ type: "stream.abort", conversation_id, stream_id });
  }

  typing(conversationId: ConversationId, typing: boolean): void {
    this.#parts.signals.typing(conversationId, typing);
  }

  markRead(conversationId: ConversationId, seq: number): void {
    this.#parts.resting.use(conversationId);
    this.#parts.signals.markRead(conversationId, seq);
  }

  acknowledge(conversationId: ConversationId, seq: number): void {
    this.#parts.acker.dealtWith(conversationId, seq);
  }

  foundConversation(
    input: Parameters<Endpoint["foundConversation"]>[0],
  ): Promise<Result<ConversationState, PeerFailure>> {
    this.#parts.resting.use(input.conversationId);
    return this.#parts.membership.found(input);
  }

  changeMembers(
    conversationId: ConversationId,
    change: Parameters<Endpoint["changeMembers"]>[1],
  ): Promise<Result<ConversationState, PeerFailure>> {
    this.#parts.resting.use(conversationId);
    return this.#parts.membership.change(conversationId, change);
  }

  async ledger(conversationId: ConversationId): Promise<ConversationState | null> {
    this.#parts.resting.use(conversationId);
    const state = await this.#parts.ledgers.state(conversationId);
    return state.ok ? state.value : null;
  }

  async confirmLedger(conversationId: ConversationId): Promise<Result<null, PeerFailure>> {
    this.#parts.resting.use(conversationId);
    const state = await this.#parts.ledgers.confirm(conversationId);
    return state.ok ? ok(null) : state;
  }

  account(accountId: AccountId): Promise<Result<AccountState, PeerFailure>> {
    return this.#parts.keyring.account(accountId);
  }

  refreshAccount(accountId: AccountId): Promise<Result<AccountState, PeerFailure>> {
    return this.#parts.keyring.refresh(accountId);
  }

  pin(accountId: AccountId, expected: Bytes | null): Promise<Result<AccountState, PeerFailure>> {
    return this.#parts.keyring.pin(accountId, expected);
  }

  expectAccount(
    accountId: AccountId,
    known: KnownCard,
  ): Promise<Result<AccountState, PeerFailure>> {
    return this.#parts.keyring.expect(accountId, known);
  }

  missing(conversationId: ConversationId): Promise<readonly Missing[]> {
    return this.#parts.statements.list(conversationId);
  }

  takeHistory(
    conversationId: ConversationId,
    entries: readonly Entry[],
  ): ReturnType<Endpoint["takeHistory"]> {
    this.#parts.resting.use(conversationId);
    return this.#parts.inbox.takeHistory(conversationId, entries);
  }

  pullBefore(
    conversationId: ConversationId,
    beforeSeq: number,
    limit: number,
  ): ReturnType<Endpoint["pullBefore"]> {
    this.#parts.resting.use(conversationId);
    return this.#parts.inbox.pullBefore(conversationId, beforeSeq, limit);
  }

  #report(failure: PeerFailure, fatal = false): void {
    this.#events.emit({ type: "error", failure, fatal });
  }

  async #begin(): Promise<void> {
    await this.#parts.prekeys.reload();
    await this.#parts.outbox.start();
    await this.#parts.progress.start();
    if (this.#options.keepLog) {
      const expired = await expireStoredChains(this.#options.store, this.#options.clock.now());
      if (!expired.ok) this.#report(expired.failure);
    }
    if (!this.#isClosed) this.#parts.connection.start();
  }

  /** A line that may carry messages: first what was missed, then what waits, then what is due. */
  async #welcome(resumed: RelayFrameOf<"resume.ok"> | null): Promise<void> {
    const { inbox, outbox, writers, signals, progress, membership, ledgers } = this.#parts;
    ledgers.doubt();
    for (const { conversation_id } of resumed?.conversations ?? [])
      this.#parts.resting.note(conversation_id);
    await inbox.resumed(resumed);
    if (resumed !== null && this.#options.keepLog) {
      // Only now: a reset that a crash interrupts must happen again.
      const value = encodeRecord(resumed.log_epoch);
      await this.#options.store.commit({
        puts: [{ table: META_TABLE, key: LOG_EPOCH_KEY, value }],
      });
    }
    outbox.ready();
    writers.resume();
    signals.ready();
    progress.ready();
    await this.#tend();
    await membership.announce({ onlyReachable: false });
  }

  #hearLine(event: ConnectionEvent): void {
    if (event.type === "status") this.#events.emit({ type: "status", status: event.status });
    if (event.type === "evicted") this.#events.emit({ type: "evicted" });
    if (event.type !== "failed") return;
    const { failure } = event;
    if (failure.kind === "peer/session-invalidated") {
      this.#events.emit({ type: "session-invalidated", reason: failure.reason });
    }
    this.#report(failure, true);
  }

  #hear(frame: RelayFrame): void {
    const { inbox, signals, reader, writers, resting } = this.#parts;
    if ("conversation_id" in frame && frame.conversation_id !== undefined)
      resting.note(frame.conversation_id);
    if (isDurableFrame(frame)) {
      if (frame.type === "stream.start" && this.#options.keepLog) void this.#followAgain(frame);
      return inbox.offer(frame);
    }
    if (signals.hear(frame)) return;
    switch (frame.type) {
      case "stream.delta":
        return reader.delta(frame);
      case "stream.abort":
        return writers.stopRequested(frame);
      case "control":
        return this.#parts.statements.hear(frame);
      case "stream.ack":
        return writers.acked(frame.stream_id, frame.next_index);
      case "keys.updated":
        return void this.#keysUpdated(frame.user_id ?? frame.agent_id, frame.reason);
      case "agent.capability_changed":
        return this.#scopesGranted(frame);
      case "history.waiting":
        if (frame.device_id === this.deviceId) this.#events.emit({ type: "history-waiting" });
        return;
      case "contact.requested":
        return this.#events.emit({ type: "contact-requested" });
      case "agent.relations_changed":
        return this.#events.emit({ type: "agent-relations-changed", agentId: frame.agent_id });
      case "contact.remarked":
        return this.#events.emit({ type: "contact-remarked", accountId: frame.contact_id });
      case "contact.accepted": {
        const { conversation_id: conversationId } = frame;
        return this.#events.emit({ type: "contact-accepted", conversationId });
      }
      case "error":
        this.#options.log.warn("peer.refused", { code: frame.code });
        if (frame.stream_id === undefined) return;
        return writers.refused(frame.stream_id, frame.code, frame.retry_after_ms ?? 0);
      default:
        return;
    }
  }

  #scopesGranted(frame: RelayFrameOf<"agent.capability_changed">): void {
    const { user_id: accountId, relation_id: relationId, granted_scopes: scopes } = frame;
    if (accountId === undefined || relationId === undefined || scopes === undefined) return;
    this.#events.emit({
      type: "scopes-granted",
      accountId,
      relationId,
      isAll: frame.accepted ?? false,
      scopes,
      manifestVersion: frame.capability_manifest_version ?? null,
    });
  }

  #notice({ conversationId, authorId, content }: Entry): void {
    const { senders, signals, writers, resting } = this.#parts;
    // An own record about a session, or another's, is no use: each would keep the other's conversation in memory.
    if (authorId !== this.accountId && content.kind !== "other") resting.use(conversationId);
    if (content.kind === "message") signals.wrote(conversationId, authorId);
    if (content.kind === "stream-ended") writers.ended(content.streamId);
    // Only ever asks for more fresh keys, so the relay's word is enough.
    if (content.kind === "other" && content.frameType === "system.group_key_rotated")
      senders.end(conversationId);
  }

  /** A live stream whose start was stored by an earlier run is followed from its stored key. */
  async #followAgain(frame: RelayFrameOf<"stream.start">): Promise<void> {
    const { conversation_id: conversationId, conversation_seq: seq, stream_id: streamId } = frame;
    const row = await this.#options.store.logAt(conversationId, seq);
    const entry = row === null ? null : parseEntry(row);
    if (entry?.content.kind !== "message" || entry.content.payload.type !== "stream") return;
    const { payload, messageId, messageHash } = entry.content;
    const key = base64ToBytes(payload.key);
    const startHash = base64ToBytes(messageHash);
    if (key === null || startHash === null || payload.stream_id !== streamId) return;
    if (entry.authorDeviceId === this.deviceId) return;
    const { authorId, at } = entry;
    const start = { conversationId, streamId, messageId, authorId, at };
    this.#parts.reader.begin({ ...start, key, startHash });
  }

  async #keysUpdated(
    changed: AccountId | undefined,
    reason: RelayFrameOf<"keys.updated">["reason"],
  ): Promise<void> {
    const { finder, keyring, membership } = this.#parts;
    if (changed === undefined) return;
    finder.forget(changed);
    if (changed === this.accountId) {
      if (reason !== "prekey") await keyring.refresh(changed);
      // A device that has no prekey yet would be sealed out by being announced.
      return membership.announce({ onlyReachable: true });
    }
    if (reason === "prekey" || !(await keyring.isPinned(changed))) return;
    const refreshed = await keyring.refresh(changed);
    if (!refreshed.ok) this.#report(refreshed.failure);
  }

  async #tend(): Promise<void> {
    const { clock, vault, primitives, identity } = this.#options;
    const { keyring, prekeys, ownFingerprint } = this.#parts;
    this.#stopTending();
    this.#stopTending = clock.after(TEND_PREKEYS_EVERY_MS, () => void this.#tend());
    const account = await keyring.account(this.accountId);
    if (!account.ok) return this.#report(account.failure);
    const { mode, suiteFloor } = account.value;
    const tended =
      vault === null
        ? await this.#publish([])
        : await tendPrekeys({
            primitives,
            vault,
            owner: { ...identity, fingerprint: ownFingerprint, mode, suiteFloor },
            now: clock.now(),
            publish: (wire) => this.#publish(wire),
          });
    if (!tended.ok) this.#report(tended.failure);
    await prekeys.reload();
  }

  async #publish(wire: readonly unknown[]): Promise<Result<null, PeerFailure>> {
    const agentId = agentIdOf(this.#options.identity);
    const path = agentId === null ? "/keys/prekeys" : `/agents/${agentId}/prekeys`;
    const published = await this.rest.call("PUT", path, Empty, { prekeys: wire });
    return published.ok ? ok(null) : published;
  }
}

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

/** Resolves with the task or with the time, whichever comes first, and leaves no timer behind. */
const withinMs = (clock: Clock, delayMs: number, task: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const stop = clock.after(delayMs, resolve);
    void task.then(() => {
      stop();
      resolve();
    });
  });
