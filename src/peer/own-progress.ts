/**
 * How far this endpoint's own sessions have come, by what the relay confirmed, and the signed word about it that lets
 * readers notice what is cut off at their end: beats while a session runs, a close when it is over. SPEC E87, E85.
 */
import * as v from "valibot";
import { bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { makeBeat, makeClose, type SessionProgress } from "#crypto/control-records.ts";
import type { Signer } from "#crypto/identity.ts";
import { HEARTBEAT_MS, MAX_BEAT_SESSIONS, SESSION_AGE_MS } from "#crypto/limits.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import { idSchema } from "#protocol/parse.ts";
import { isPassing } from "./failure.ts";
import type { Inbox } from "./inbox.ts";
import { BytesText, encodeRecord, parseRecord } from "./json-record.ts";
import type { Outbox } from "./outbox.ts";
import type { RelayChannel } from "./relay-channel.ts";
import type { SenderSessions } from "./sender-sessions.ts";
import type { Put, Store } from "./store.ts";

/** A message of an own session that the relay has stored. */
export type Placed = {
  readonly conversationId: ConversationId;
  readonly sid: Bytes;
  readonly index: number;
  readonly messageHash: Bytes;
};

export interface OwnProgress {
  /** Loads what an earlier run has not said to its end. */
  start(): Promise<void>;
  /** Notes it; the write belongs into the commit that keeps the message. */
  placed(message: Placed): Put;
  /** The session takes no further message; `count` were sealed in it. */
  over(conversationId: ConversationId, sid: Bytes, count: number): void;
  /** Ends a conversation's session and says so; whether there is nothing left to say. */
  leave(conversationId: ConversationId): Promise<boolean>;
  /** The line may carry records. */
  ready(): void;
  /** Ends every session and says so; resolves when the relay has it, or cannot be asked. */
  finish(): Promise<void>;
  close(): void;
}

const TABLE = "own-progress";
const ProgressRecord = v.object({
  conversationId: idSchema<ConversationId>(),
  sid: BytesText,
  count: v.number(),
  lastHash: BytesText,
});

type Needs = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly store: Store;
  readonly self: {
    readonly accountId: AccountId;
    readonly deviceId: DeviceId;
    readonly signer: Signer;
  };
  readonly channel: RelayChannel;
  readonly senders: SenderSessions;
  /** Both exist when the first message is placed. */
  readonly later: () => { readonly outbox: Outbox; readonly inbox: Inbox };
};

type Own = SessionProgress & {
  readonly conversationId: ConversationId;
  /** Messages sealed in it; null for a session of an earlier run, of which that is not known. */
  readonly sealed: number | null;
  readonly isOver: boolean;
  readonly startedAt: number;
  readonly beatAt: number;
  readonly pauseMs: number;
};

export const createOwnProgress = (options: Needs): OwnProgress => new ConfirmedProgress(options);

class ConfirmedProgress implements OwnProgress {
  readonly #options: Needs;
  readonly #clock: Needs["clock"];
  readonly #store: Needs["store"];
  readonly #channel: Needs["channel"];
  readonly #owns = new Map<string, Own>();
  readonly #saying = new Map<ConversationId, Promise<void>>();
  #stopBeating: (() => void) | null = null;
  #isClosed = false;

  constructor(options: Needs) {
    this.#options = options;
    this.#clock = options.clock;
    this.#store = options.store;
    this.#channel = options.channel;
  }

  async start(): Promise<void> {
    const now = this.#clock.now();
    for (const { key, value } of await this.#store.list(TABLE)) {
      const record = parseRecord(ProgressRecord, value);
      if (record === null || this.#owns.has(key)) continue;
      const past = { sealed: null, isOver: true, startedAt: now, beatAt: 0, pauseMs: 0 };
      this.#owns.set(key, { ...record, ...past });
    }
  }

  placed({ conversationId, sid, index, messageHash }: Placed): Put {
    const key = keyOf(conversationId, sid);
    const now = this.#clock.now();
    const before = this.#owns.get(key);
    const isNews = before === undefined || index >= before.count;
    const count = isNews ? index + 1 : before.count;
    const lastHash = isNews ? messageHash : before.lastHash;
    const isOwn = this.#options.senders.holds(conversationId, sid);
    this.#owns.set(key, {
      conversationId,
      sid,
      count,
      lastHash,
      sealed: before?.sealed ?? null,
      isOver: before?.isOver ?? !isOwn,
      startedAt: before?.startedAt ?? now,
      beatAt: now + HEARTBEAT_MS.first,
      pauseMs: HEARTBEAT_MS.first,
    });
    this.#forgetOldest(conversationId);
    if (this.#owns.get(key)?.isOver === true) void this.#say(conversationId);
    this.#beatLater();
    return { table: TABLE, key, value: encodeRecord({ conversationId, sid, count, lastHash }) };
  }

  over(conversationId: ConversationId, sid: Bytes, count: number): void {
    const key = keyOf(conversationId, sid);
    const own = this.#owns.get(key);
    if (own === undefined) return;
    this.#owns.set(key, { ...own, isOver: true, sealed: Math.max(count, own.sealed ?? 0) });
    void this.#say(conversationId);
  }

  async leave(conversationId: ConversationId): Promise<boolean> {
    this.#options.senders.end(conversationId);
    for (const own of this.#of(conversationId))
      if (!own.isOver) this.#owns.set(keyOf(conversationId, own.sid), { ...own, isOver: true });
    if (this.#of(conversationId).length > 0) await this.#say(conversationId);
    return this.#of(conversationId).length === 0;
  }

  ready(): void {
    for (const { conversationId, isOver } of this.#owns.values())
      if (isOver) void this.#say(conversationId);
    this.#beatLater();
  }

  async finish(): Promise<void> {
    const conversations = new Set([...this.#owns.values()].map((own) => own.conversationId));
    for (const conversationId of conversations) this.#options.senders.end(conversationId);
    await Promise.all([...conversations].map((conversationId) => this.#say(conversationId)));
  }

  close(): void {
    this.#isClosed = true;
    this.#stopBeating?.();
  }

  /** Behind whatever of the conversation is on its way: only then is it known how far a session came. */
  #say(conversationId: ConversationId): Promise<void> {
    const running = this.#saying.get(conversationId);
    if (running !== undefined) return running;
    if (this.#isClosed || !this.#channel.isReady()) return Promise.resolve();
    const saying = this.#options.later().outbox.between(conversationId, async () => {
      this.#saying.delete(conversationId);
      await this.#sayEnds(conversationId);
    });
    this.#saying.set(conversationId, saying);
    return saying;
  }

  async #sayEnds(conversationId: ConversationId): Promise<void> {
    const over = this.#of(conversationId).filter(({ isOver }) => isOver);
    // Where it is open whether the relay has a last one, the word is a lower bound and not an end.
    const exact = over.filter(({ sealed, count }) => sealed === count);
    const rest = over.filter((own) => !exact.includes(own));
    const { primitives, self, senders } = this.#options;
    const createdAt = this.#clock.now();
    for (const own of exact) {
      const record = await makeClose(primitives, { ...own, createdAt }, self.signer);
      await this.#send(conversationId, record, [own]);
    }
    if (rest.length === 0) return;
    const beat = { conversationId, writer: senders.writer, sessions: rest, createdAt };
    await this.#send(conversationId, await makeBeat(primitives, beat, self.signer), rest);
  }

  async #send(conversation_id: ConversationId, record: Bytes, said: readonly Own[]): Promise<void> {
    const text = bytesToBase64(record);
    const sent = { type: "control.send", conversation_id, record: text, durable: true } as const;
    const answer = await this.#channel.request(sent);
    if (!answer.ok && isPassing(answer.failure)) return;
    const keys = said.map(({ sid }) => keyOf(conversation_id, sid));
    for (const key of keys) this.#owns.delete(key);
    // The next run has this disk by now; it says it once more.
    if (this.#isClosed) return;
    await this.#store.commit({ deletes: keys.map((key) => ({ table: TABLE, key })) });
    if (!answer.ok || answer.value.type !== "message.ack") return;
    const { accountId: sender_id, deviceId: sender_device_id } = this.#options.self;
    const { conversation_seq, created_at } = answer.value;
    // The relay does not show it to the socket that wrote it, and the log has no holes.
    this.#options.later().inbox.offer({
      type: "control",
      conversation_id,
      conversation_seq,
      created_at,
      sender_id,
      sender_device_id,
      record: text,
    });
  }

  #beatLater(): void {
    if (this.#isClosed || this.#stopBeating !== null) return;
    if (![...this.#owns.values()].some(({ isOver }) => !isOver)) return;
    this.#stopBeating = this.#clock.after(HEARTBEAT_MS.first, () => {
      this.#stopBeating = null;
      void this.#beat().then(() => this.#beatLater());
    });
  }

  async #beat(): Promise<void> {
    const now = this.#clock.now();
    const running = [...this.#owns.values()].filter(({ isOver }) => !isOver);
    for (const { conversationId, startedAt } of running)
      if (now - startedAt > SESSION_AGE_MS) this.#options.senders.end(conversationId);
    if (!this.#channel.isReady()) return;
    const due = running.filter(({ beatAt }) => beatAt <= now);
    const dueByConversation = new Map<ConversationId, Own[]>();
    for (const own of due) {
      const others = dueByConversation.get(own.conversationId);
      if (others === undefined) dueByConversation.set(own.conversationId, [own]);
      else others.push(own);
    }
    for (const [conversation_id, sessions] of dueByConversation) {
      const { primitives, self, senders } = this.#options;
      const beat = { conversationId: conversation_id, writer: senders.writer, sessions };
      const signed = await makeBeat(primitives, { ...beat, createdAt: now }, self.signer);
      const record = bytesToBase64(signed);
      this.#channel.send({ type: "control.send", conversation_id, record, durable: false });
      for (const { sid } of sessions) this.#slowDown(keyOf(conversation_id, sid), now);
    }
  }

  #slowDown(key: string, now: number): void {
    const own = this.#owns.get(key);
    // A message that came in between has set its own time.
    if (own === undefined || own.beatAt > now) return;
    const pauseMs = Math.min(2 * own.pauseMs, HEARTBEAT_MS.longest);
    this.#owns.set(key, { ...own, beatAt: now + pauseMs, pauseMs });
  }

  #of(conversationId: ConversationId): readonly Own[] {
    return [...this.#owns.values()].filter((own) => own.conversationId === conversationId);
  }

  #forgetOldest(conversationId: ConversationId): void {
    const owns = this.#of(conversationId);
    for (const { sid } of owns.slice(0, Math.max(0, owns.length - MAX_BEAT_SESSIONS)))
      this.#owns.delete(keyOf(conversationId, sid));
  }
}

const keyOf = (conversationId: ConversationId, sid: Bytes): string =>
  `${conversationId}/${bytesToHex(sid)}`;
