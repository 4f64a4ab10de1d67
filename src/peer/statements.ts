/**
 * What writers say of their own sessions, against what came of them: a signed close or beat that names messages which
 * are not here is kept and told until they come. Only keeping endpoints judge it; what one process of an agent lacks
 * another may have. SPEC E86.
 */
import * as v from "valibot";
import { base64ToBytes } from "#base/base64.ts";
import { bytesToHex, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { ok, type Result } from "#base/result.ts";
import { verifyBeat, verifyClose, type SessionProgress } from "#crypto/control-records.ts";
import { CLOCK_SKEW_MS, MAX_OPEN_SESSIONS } from "#crypto/limits.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { senderView, type SenderView } from "#crypto/sender-view.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import { idSchema } from "#protocol/parse.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import { arrivalsOf } from "./arrivals.ts";
import { startDraft, type Draft } from "./draft.ts";
import type { EndpointEvent, Missing } from "./endpoint.ts";
import { parseEntry } from "./entry.ts";
import { isPassing, type PeerFailure } from "./failure.ts";
import { BytesText, encodeRecord, parseRecord } from "./json-record.ts";
import type { Keyring } from "./keyring.ts";
import type { Ledgers } from "./ledgers.ts";
import type { OwnView, ReceiverSessions } from "./receiver-sessions.ts";
import type { Put, Store } from "./store.ts";

export interface Statements {
  /** Puts what a record says into the draft. Fails only with what passes; a record nobody signed is nothing. */
  take(
    record: RelayFrameOf<"control">,
    place: Place,
    draft: Draft,
  ): Promise<Result<null, PeerFailure>>;
  /** Compares what was said with what came, after a commit. `first`: from where on the log is stored here. */
  settle(conversationId: ConversationId, first: number): Promise<Draft>;
  /** A record that stands nowhere in the log: taken once what it may have overtaken is here. */
  hear(frame: RelayFrameOf<"control">): void;
  list(conversationId: ConversationId): Promise<readonly Missing[]>;
  close(): void;
}

/** Where in the log a word counts from, and its time (epoch ms). */
export type Place = { readonly seq: number; readonly at: number };

const TABLE = "statements";
const WordRecord = v.object({
  conversationId: idSchema<ConversationId>(),
  authorId: idSchema<AccountId>(),
  deviceId: idSchema<DeviceId>(),
  sid: BytesText,
  count: v.number(),
  lastHash: BytesText,
  isFinal: v.boolean(),
  seq: v.number(),
  at: v.number(),
  /** When the session was opened; 0: the relay has no opening of it. Null until looked up. */
  openedAt: v.nullable(v.number()),
  /** First index that counts as cut off: a hole before it shows with the message after it. Null until judged. */
  tail: v.nullable(v.number()),
  missing: v.number(),
});
type Word = v.InferOutput<typeof WordRecord>;

/** A beat is not part of the log's order: what was said before it may still be on its way. */
const BEAT_GRACE_MS = 5_000;
const MAX_WAITING_BEATS = 256;

type Needs = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly store: Store;
  readonly self: { readonly accountId: AccountId; readonly deviceId: DeviceId };
  readonly ownView: () => Promise<Result<OwnView, PeerFailure>>;
  readonly keyring: Keyring;
  readonly ledgers: Ledgers;
  readonly sessions: ReceiverSessions;
  readonly isKept: boolean;
  /** Runs a task when nothing of the conversation waits to be taken in. */
  readonly whenLevel: (
    conversationId: ConversationId,
    task: (cursor: number) => Promise<Draft>,
  ) => void;
  readonly emit: (event: EndpointEvent) => void;
};

export const createStatements = (options: Needs): Statements => new SignedWords(options);

class SignedWords implements Statements {
  readonly #options: Needs;
  readonly #store: Needs["store"];
  readonly #sessions: Needs["sessions"];
  /** Conversations with words that are not settled; null until looked up. */
  #open: Set<string> | null = null;
  readonly #waiting = new Map<string, () => void>();

  constructor(options: Needs) {
    this.#options = options;
    this.#store = options.store;
    this.#sessions = options.sessions;
  }

  async take(
    { conversation_id, sender_id, sender_device_id, record }: RelayFrameOf<"control">,
    place: Place,
    draft: Draft,
  ): Promise<Result<null, PeerFailure>> {
    const { self, isKept } = this.#options;
    const deviceId = sender_device_id ?? null;
    if (!isKept || deviceId === null || deviceId === self.deviceId) return ok(null);
    const bytes = base64ToBytes(record);
    const sender = await this.#sender(sender_id, deviceId);
    if (!sender.ok) return isPassing(sender.failure) ? sender : ok(null);
    if (bytes === null || sender.value === null) return ok(null);
    const said = await this.#verify(conversation_id, bytes, sender.value.signingKey);
    if (said === null) return ok(null);
    const about = { conversationId: conversation_id, authorId: sender_id, deviceId, ...place };
    for (const progress of said.sessions)
      await this.#note({ ...about, ...said, ...progress }, draft);
    return ok(null);
  }

  async settle(conversationId: ConversationId, first: number): Promise<Draft> {
    const draft = startDraft();
    this.#open ??= new Set((await this.#store.list(TABLE)).map(({ key }) => key.slice(0, 36)));
    if (!this.#open.has(conversationId)) return draft;
    const words = await this.#words(`${conversationId}/`);
    if (words.length === 0) this.#open.delete(conversationId);
    for (const word of words) await this.#judge(word, first, draft);
    return draft;
  }

  hear(frame: RelayFrameOf<"control">): void {
    const { isKept, self, clock, whenLevel } = this.#options;
    const key = `${frame.conversation_id}/${frame.sender_device_id ?? ""}`;
    const isOwn = frame.sender_device_id === self.deviceId;
    if (!isKept || isOwn || this.#waiting.size >= MAX_WAITING_BEATS) return;
    this.#waiting.get(key)?.();
    const stop = clock.after(BEAT_GRACE_MS, () => {
      this.#waiting.delete(key);
      whenLevel(frame.conversation_id, async (cursor) => {
        const draft = startDraft();
        await this.take(frame, { seq: cursor, at: clock.now() }, draft);
        return draft;
      });
    });
    this.#waiting.set(key, stop);
  }

  async list(conversationId: ConversationId): Promise<readonly Missing[]> {
    const words = await this.#words(`${conversationId}/`);
    return words.filter(({ missing }) => missing > 0).map((word) => missingOf(word, word.missing));
  }

  close(): void {
    for (const stop of this.#waiting.values()) stop();
    this.#waiting.clear();
  }

  async #sender(
    accountId: AccountId,
    deviceId: DeviceId,
  ): Promise<Result<SenderView | null, PeerFailure>> {
    const { keyring, primitives } = this.#options;
    let account = await keyring.account(accountId);
    if (account.ok && !account.value.devices.has(deviceId))
      account = await keyring.refresh(accountId);
    return account.ok ? ok(senderView(primitives, account.value, deviceId)) : account;
  }

  async #verify(
    conversationId: ConversationId,
    bytes: Bytes,
    signingKey: Bytes,
  ): Promise<{ readonly sessions: readonly SessionProgress[]; readonly isFinal: boolean } | null> {
    const { primitives } = this.#options;
    const close = await verifyClose(primitives, bytes, signingKey);
    if (close.ok)
      return close.value.conversationId === conversationId
        ? { sessions: [close.value], isFinal: true }
        : null;
    const beat = await verifyBeat(primitives, bytes, signingKey);
    return beat.ok && beat.value.conversationId === conversationId
      ? { sessions: beat.value.sessions, isFinal: false }
      : null;
  }

  async #note(said: Omit<Word, "openedAt" | "tail" | "missing">, draft: Draft): Promise<void> {
    const prefix = `${said.conversationId}/${said.deviceId}/`;
    const key = prefix + bytesToHex(said.sid);
    const words = await this.#words(prefix);
    const known = words.find((word) => keyOf(word) === key);
    if (known !== undefined && (known.isFinal || known.count > said.count)) return;
    const session = known === undefined ? await this.#sessions.progressOf(said, draft) : null;
    // The usual beat: nothing is cut off, and nothing needs to be kept.
    if (session !== null && !said.isFinal && session.next >= said.count) return;
    const { seq, at, openedAt, tail, missing } = known ?? {
      ...said,
      openedAt: session?.createdAt ?? null,
      tail: null,
      missing: 0,
    };
    const { conversationId, authorId, deviceId, sid, count, lastHash, isFinal } = said;
    const who = { conversationId, authorId, deviceId, sid, count, lastHash, isFinal };
    draft.puts.push(putOf({ ...who, seq, at, openedAt, tail, missing }));
    this.#open?.add(conversationId);
    // A device that says much it never sends is one device's noise, and bounded.
    for (const old of words.slice(0, Math.max(0, words.length + 1 - MAX_OPEN_SESSIONS)))
      if (keyOf(old) !== key) this.#drop(old, draft);
  }

  async #judge(word: Word, first: number, draft: Draft): Promise<void> {
    const session = await this.#sessions.progressOf(word, draft);
    const openedAt = session?.createdAt ?? word.openedAt ?? (await this.#openedAt(word));
    if (openedAt === "later") return;
    if (openedAt === "not-ours") return this.#drop(word, draft);
    const isWhole = await this.#isWhole(word, openedAt, first);
    if (!isWhole)
      return openedAt === word.openedAt ? undefined : this.#keep({ ...word, openedAt }, draft);
    const next = session?.next ?? 0;
    const tail = word.tail ?? next;
    const arrivals = await arrivalsOf(this.#store, word, word.sid, openedAt || null);
    let missing = -arrivals.unplaced;
    for (let index = tail; index < word.count; index++)
      if (session?.read.has(index) !== true && !arrivals.indexes.has(index)) missing += 1;
    if (missing > 0) {
      if (missing !== word.missing) this.#tell(word, missing, draft);
      return this.#keep({ ...word, openedAt, tail, missing }, draft);
    }
    if (word.isFinal && session !== null) await this.#sessions.finish(word, word, draft);
    this.#drop(word, draft);
  }

  /** Whether all of the log since the session's opening is stored here; else the rest may be further up. */
  async #isWhole(word: Word, openedAt: number, first: number): Promise<boolean> {
    if (first <= 1) return true;
    const row = await this.#store.logAt(word.conversationId, first);
    const oldest = row === null ? null : parseEntry(row);
    return oldest !== null && openedAt > 0 && oldest.at <= openedAt - CLOCK_SKEW_MS;
  }

  /** When a session was opened of which nothing has come: by its opening, which names us, or names us not. */
  async #openedAt(word: Word): Promise<number | "later" | "not-ours"> {
    const { keyring, ledgers, primitives, ownView } = this.#options;
    const self = await ownView();
    const conversation = await ledgers.state(word.conversationId);
    const account = await keyring.account(word.authorId);
    const sender = account.ok ? senderView(primitives, account.value, word.deviceId) : null;
    if (!self.ok || !conversation.ok || sender === null) return "later";
    const opening = { sender, conversation: conversation.value, self: self.value };
    const opened = await this.#sessions.openedAt(word, opening);
    if (opened.ok) return opened.value;
    if (opened.failure.kind !== "peer/cannot-read") return "later";
    // The relay stored it with its first message, or its writer would not have said so.
    return opened.failure.because === "unknown-session" ? 0 : "not-ours";
  }

  #keep(word: Word, draft: Draft): void {
    draft.puts.push(putOf(word));
  }

  #drop(word: Word, draft: Draft): void {
    draft.deletes.push({ table: TABLE, key: keyOf(word) });
    if (word.missing > 0) this.#tell(word, 0, draft);
  }

  #tell(word: Word, count: number, draft: Draft): void {
    draft.after.push(() =>
      this.#options.emit({ type: "missing", missing: missingOf(word, count) }),
    );
  }

  async #words(prefix: string): Promise<readonly Word[]> {
    const rows = await this.#store.list(TABLE, prefix);
    return rows
      .flatMap(({ value }) => parseRecord(WordRecord, value) ?? [])
      .toSorted((a, b) => a.seq - b.seq);
  }
}

const keyOf = ({ conversationId, deviceId, sid }: Word): string =>
  `${conversationId}/${deviceId}/${bytesToHex(sid)}`;

const putOf = (word: Word): Put => ({ table: TABLE, key: keyOf(word), value: encodeRecord(word) });

const missingOf = ({ conversationId, authorId, sid, seq, at }: Word, count: number): Missing => ({
  conversationId,
  sessionId: bytesToHex(sid),
  authorId,
  afterSeq: seq,
  at,
  count,
});
