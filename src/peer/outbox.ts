/**
 * Own messages from "queued" to "acked": durable before anything else, sealed just before sending, the sealed bytes
 * stored before they leave, sent again unchanged until the relay has them. One at a time per conversation, so that the
 * log has them in order; 32 at once over all. SPEC E60–E69.
 */
import { backoffDelayMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import { createKeyedQueue } from "#base/queue.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import { peekEnvelope } from "#protocol/envelope.ts";
import { MAX_ENVELOPE_BYTES } from "#protocol/limits.ts";
import type { ProtocolFailure } from "#protocol/failure.ts";
import { encodePayload } from "#protocol/payload.ts";
import { startDraft, type Draft } from "./draft.ts";
import type { EndpointEvent, Entry, OutgoingMessage } from "./endpoint.ts";
import type { OwnMessages } from "./entry-maker.ts";
import { isPassing, type PeerFailure } from "./failure.ts";
import { createOutcomes } from "./outbox-outcomes.ts";
import {
  entryOf,
  frameOf,
  itemOf,
  rowOf,
  shown,
  type Item,
  type SealedRecord,
  type ToSend,
} from "./outbox-record.ts";
import type { Placed } from "./own-progress.ts";
import type { RelayChannel } from "./relay-channel.ts";
import type { SeenMessages } from "./seen-messages.ts";
import type { SenderSessions } from "./sender-sessions.ts";
import type { Batch, Put, Store } from "./store.ts";
import { createPauses, createSignal, createSlots } from "./waiting.ts";

export interface Outbox extends OwnMessages {
  /** Loads what an earlier run left; sends when the line is there. */
  start(): Promise<void>;
  queue(message: ToSend): Promise<Result<OutgoingMessage, PeerFailure>>;
  settled(messageId: MessageId): Promise<OutgoingMessage>;
  retry(messageId: MessageId): Promise<Result<null, PeerFailure>>;
  discard(messageId: MessageId): Promise<Result<null, PeerFailure>>;
  list(): readonly OutgoingMessage[];
  hasInFlight(conversationId: ConversationId): boolean;
  /** Whether a message or a task of the conversation waits, runs or has failed. */
  isBusy(conversationId: ConversationId): boolean;
  /** Runs a task between the messages of a conversation, after those queued before. */
  between<Value>(conversationId: ConversationId, task: () => Promise<Value>): Promise<Value>;
  /** The line may carry messages. */
  ready(): void;
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>;
  close(): void;
}

const TABLE = "outbox";
const MAX_IN_FLIGHT = 32;
/** A disk that did not take an acknowledged message is asked again after so long. */
const PLACE_AGAIN_MS = 2_000;
/** A sealed message that waited longer meets keys that may be gone: it is sealed anew, under the same id. */
const RESEAL_AFTER_MS = 24 * 3_600_000;

export const createOutbox = (options: Needs): Outbox => new DurableOutbox(options);

type Needs = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly store: Store;
  readonly channel: RelayChannel;
  readonly sessions: Pick<SenderSessions, "seal" | "end">;
  readonly seen: SeenMessages;
  readonly self: {
    readonly accountId: AccountId;
    readonly deviceId: DeviceId;
    readonly kind: "human" | "agent";
  };
  /** Puts an acked message into the log; the draft removes its row here in the same commit. */
  readonly place: (entry: Entry, draft: Draft) => Promise<Result<null, PeerFailure>>;
  /** A message of an own session is in the log; the write is part of the commit that says so. */
  readonly placed: (message: Placed) => Put;
  readonly emit: (event: EndpointEvent) => void;
};

class DurableOutbox implements Outbox {
  readonly #options: Needs;
  readonly #clock: Needs["clock"];
  readonly #random: Needs["random"];
  readonly #store: Needs["store"];
  readonly #channel: Needs["channel"];
  readonly #sessions: Needs["sessions"];
  readonly #seen: Needs["seen"];
  readonly #self: Needs["self"];
  readonly #emit: Needs["emit"];
  readonly #items = new Map<MessageId, Item>();
  readonly #outcomes = createOutcomes();
  readonly #lanes = createKeyedQueue();
  readonly #slots = createSlots(MAX_IN_FLIGHT);
  #wake = createSignal();
  #drainedSignal = createSignal();
  #lastOrder = "";
  readonly #pauses: ReturnType<typeof createPauses>;
  #loading: Promise<void> | null = null;
  #isClosed = false;

  constructor(options: Needs) {
    this.#options = options;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#store = options.store;
    this.#channel = options.channel;
    this.#sessions = options.sessions;
    this.#seen = options.seen;
    this.#self = options.self;
    this.#emit = options.emit;
    this.#pauses = createPauses(this.#clock);
  }

  start(): Promise<void> {
    return (this.#loading ??= this.#load());
  }

  async queue(message: ToSend): Promise<Result<OutgoingMessage, PeerFailure>> {
    // What an earlier run left goes first.
    await (this.#loading ??= this.#load());
    if (this.#isClosed) return err({ kind: "peer/closed" });
    const known = this.#items.get(message.messageId);
    if (known !== undefined) return ok(shown(known));
    const item: Item = {
      order: this.#nextOrder(),
      message,
      queuedAt: this.#clock.now(),
      sealed: null,
      state: { status: "queued" },
      isDiscarded: false,
    };
    // Reserved at once: calls that follow each other keep their order whatever the store's speed.
    this.#items.set(message.messageId, item);
    const saving = this.#save(item, message.alongside);
    void this.#lanes.run(message.conversationId, async () => {
      if ((await saving).ok) await this.#deliver(item);
    });
    const saved = await saving;
    if (!saved.ok) {
      this.#items.delete(message.messageId);
      return saved;
    }
    this.#emit({ type: "outgoing", message: shown(item) });
    return ok(shown(item));
  }

  settled(messageId: MessageId): Promise<OutgoingMessage> {
    const item = this.#items.get(messageId);
    if (item?.state.status === "failed") return Promise.resolve(shown(item));
    return item === undefined ? this.#outcomes.of(messageId) : this.#outcomes.next(messageId);
  }

  async retry(messageId: MessageId): Promise<Result<null, PeerFailure>> {
    const item = this.#items.get(messageId);
    if (item?.state.status !== "failed") return err({ kind: "peer/unknown-message", messageId });
    this.#outcomes.forget(messageId);
    this.#move(item, { status: "queued" });
    const saved = await this.#save(item);
    if (saved.ok) this.#enqueue(item);
    return saved;
  }

  async discard(messageId: MessageId): Promise<Result<null, PeerFailure>> {
    const item = this.#items.get(messageId);
    if (item === undefined) return err({ kind: "peer/unknown-message", messageId });
    // Bytes under way cannot be called back.
    if (item.state.status === "sending") return err({ kind: "peer/refused", code: "SENDING" });
    item.isDiscarded = true;
    this.#items.delete(messageId);
    if (!this.#hasWork()) this.#drainedSignal.fire();
    return this.#store.commit({ deletes: [{ table: TABLE, key: item.order }] });
  }

  list(): readonly OutgoingMessage[] {
    return [...this.#items.values()]
      .toSorted((a, b) => (a.order < b.order ? -1 : 1))
      .map((item) => shown(item));
  }

  hasInFlight(conversationId: ConversationId): boolean {
    for (const { message, state } of this.#items.values())
      if (message.conversationId === conversationId && state.status === "sending") return true;
    return false;
  }

  isBusy(conversationId: ConversationId): boolean {
    if (this.#lanes.isBusy(conversationId)) return true;
    for (const { message } of this.#items.values())
      if (message.conversationId === conversationId) return true;
    return false;
  }

  between<Value>(conversationId: ConversationId, task: () => Promise<Value>): Promise<Value> {
    return this.#lanes.run(conversationId, task);
  }

  readonly found: Outbox["found"] = (conversationId, messageId, place, draft) => {
    const item = this.#items.get(messageId);
    if (item === undefined || item.message.conversationId !== conversationId) return null;
    const entry = this.#entryOf(item, { ...place, duplicate: true }, draft);
    return { entry, after: () => this.#move(item, { status: "acked", ...place, duplicate: true }) };
  };

  ready(): void {
    this.#wake.fire();
    this.#wake = createSignal();
  }

  drained(): Promise<void> {
    return this.#hasWork() ? this.#drainedSignal.wait() : Promise.resolve();
  }

  close(): void {
    this.#isClosed = true;
    this.#pauses.end();
    this.#wake.fire();
    this.#drainedSignal.fire();
    this.#drainedSignal = createSignal();
  }

  #save(item: Item, alongside: Batch = {}): Promise<Result<null, PeerFailure>> {
    return this.#store.commit({
      ...alongside,
      puts: [...(alongside.puts ?? []), { table: TABLE, key: item.order, value: rowOf(item) }],
    });
  }

  #move(item: Item, state: OutgoingMessage["state"]): void {
    item.state = state;
    const message = shown(item);
    this.#emit({ type: "outgoing", message });
    if (state.status !== "acked" && state.status !== "failed") return;
    if (state.status === "acked") this.#items.delete(message.messageId);
    this.#outcomes.settle(message);
    if (!this.#hasWork()) this.#drainedSignal.fire();
  }

  #hasWork(): boolean {
    // Asked after each message: where many wait, one of the first answers it.
    for (const { state } of this.#items.values())
      if (state.status === "queued" || state.status === "sending") return true;
    return false;
  }

  async #seal(item: Item): Promise<Result<SealedRecord, PeerFailure>> {
    const { conversationId, messageId, payload, stream, contentType } = item.message;
    const bytes = encodePayload(payload);
    if (!bytes.ok) return err(unsendable(bytes.failure));
    const sealed = await this.#sessions.seal(conversationId, {
      messageId,
      contentType: payload.type,
      payload: bytes.value,
      kind: stream !== null ? "stream-done" : contentType === "control" ? "control" : "content",
    });
    if (!sealed.ok) return sealed;
    const { envelope, sessionOpen, messageHash, plaintextHash, header, reduced } = sealed.value;
    if (envelope.length > MAX_ENVELOPE_BYTES) {
      this.#sessions.end(conversationId);
      return err({ kind: "peer/too-large", limit: MAX_ENVELOPE_BYTES });
    }
    const mode = header.hasSessionWrap ? "session" : "envelope";
    const { suite } = header;
    return ok({
      envelope,
      sessionOpen,
      messageHash,
      plaintextHash,
      suite,
      mode,
      reduced,
      sealedAt: this.#clock.now(),
      isAnew: false,
    });
  }

  /** The sealed bytes of an item, made and stored when there are none or they are too old. */
  async #sealedOf(item: Item): Promise<Result<SealedRecord, PeerFailure>> {
    const held = item.sealed;
    if (held !== null && this.#clock.now() - held.sealedAt < RESEAL_AFTER_MS) return ok(held);
    if (held !== null) this.#sessions.end(item.message.conversationId);
    const sealed = await this.#seal(item);
    if (!sealed.ok) return sealed;
    item.sealed = { ...sealed.value, isAnew: held !== null };
    const saved = await this.#save(item);
    if (saved.ok) return ok(item.sealed);
    // Not on disk, so never to be sent: its place in the chain is lost, and so the chain ends.
    item.sealed = held;
    this.#sessions.end(item.message.conversationId);
    return saved;
  }

  async #deliver(item: Item): Promise<void> {
    for (let tries = 0; ; tries++) {
      if (!this.#channel.isReady()) await this.#wake.wait();
      if (this.#isClosed || item.isDiscarded || !this.#items.has(item.message.messageId)) return;
      const failure = await this.#attempt(item);
      if (failure === null) return;
      if (failure.kind === "peer/offline") continue;
      if (!isPassing(failure)) return this.#fail(item, failure);
      const askedMs = "retryAfterMs" in failure ? (failure.retryAfterMs ?? 0) : 0;
      await this.#pauses.wait(Math.max(askedMs, backoffDelayMs(tries, this.#random)));
    }
  }

  /** One try; null once it is settled. */
  async #attempt(item: Item): Promise<PeerFailure | null> {
    const release = await this.#slots.take();
    try {
      const sealed = await this.#sealedOf(item);
      if (!sealed.ok) return sealed.failure;
      if (item.state.status !== "sending") this.#move(item, { status: "sending" });
      const answer = await this.#channel.request(frameOf(item.message, sealed.value));
      if (!answer.ok)
        return isStreamGone(item, answer.failure) ? this.#unstream(item) : answer.failure;
      if (answer.value.type !== "message.ack") return { kind: "peer/bad-answer", path: "type" };
      const { conversation_seq: seq, created_at, duplicate = false } = answer.value;
      await this.#acked(item, { seq, at: Date.parse(created_at), duplicate });
      return null;
    } finally {
      release();
    }
  }

  /** The stream is not live any more: the same bytes go as an ordinary message. */
  async #unstream(item: Item): Promise<PeerFailure> {
    item.message = { ...item.message, stream: null };
    const saved = await this.#save(item);
    return saved.ok ? { kind: "peer/offline" } : saved.failure;
  }

  async #acked(
    item: Item,
    ack: { readonly seq: number; readonly at: number; readonly duplicate: boolean },
  ): Promise<void> {
    // Only this device can read what it said: as long as its disk does not take it, the message is here and on its way.
    while (this.#items.has(item.message.messageId)) {
      const draft = startDraft();
      const entry = this.#entryOf(item, ack, draft);
      const placed = await this.#options.place(entry, draft);
      if (placed.ok || this.#isClosed) break;
      this.#emit({ type: "error", failure: placed.failure, fatal: false });
      if (placed.failure.kind === "peer/store-closed") break;
      await this.#pauses.wait(PLACE_AGAIN_MS);
    }
    if (this.#items.has(item.message.messageId)) this.#move(item, { status: "acked", ...ack });
  }

  #entryOf(
    item: Item,
    place: { readonly seq: number; readonly at: number; readonly duplicate: boolean },
    draft: Draft,
  ): Entry {
    const { conversationId, messageId } = item.message;
    const { sealed } = item;
    const head = sealed?.mode === "session" ? peekEnvelope(sealed.envelope) : null;
    if (sealed?.isAnew === true && place.duplicate) this.#sessions.end(conversationId);
    else if (sealed !== null && head?.ok === true) {
      const { sid, index } = head.value;
      const { messageHash } = sealed;
      draft.puts.push(this.#options.placed({ conversationId, sid, index, messageHash }));
    }
    draft.deletes.push({ table: TABLE, key: item.order });
    this.#seen.add(conversationId, messageId, place.seq, draft);
    return entryOf(item, this.#self, { seq: place.seq, at: place.at });
  }

  async #fail(item: Item, failure: PeerFailure): Promise<void> {
    // A refused message would leave a hole in the chain that readers could not tell from a theft.
    this.#sessions.end(item.message.conversationId);
    item.sealed = null;
    this.#move(item, { status: "failed", failure });
    await this.#save(item);
  }

  #enqueue(item: Item): void {
    this.#items.set(item.message.messageId, item);
    void this.#lanes.run(item.message.conversationId, () => this.#deliver(item));
  }

  #nextOrder(): string {
    const [at = "", count = "0"] = this.#lastOrder.split("-");
    const now = String(this.#clock.now()).padStart(15, "0");
    // A clock set back must not put a message before an older one.
    this.#lastOrder =
      now > at ? `${now}-000000` : `${at}-${String(Number(count) + 1).padStart(6, "0")}`;
    return this.#lastOrder;
  }

  async #load(): Promise<void> {
    for (const row of await this.#store.list(TABLE)) {
      const item = itemOf(row);
      if (item === null || this.#items.has(item.message.messageId)) continue;
      if (item.order > this.#lastOrder) this.#lastOrder = item.order;
      if (item.state.status === "queued") this.#enqueue(item);
      else this.#items.set(item.message.messageId, item);
      this.#emit({ type: "outgoing", message: shown(item) });
    }
  }
}

const isStreamGone = ({ message }: Item, failure: PeerFailure): boolean =>
  message.stream !== null && failure.kind === "peer/refused" && failure.code.startsWith("STREAM_");

/** What keeps a payload from being written down, as its sender may know it. */
function unsendable(failure: ProtocolFailure): PeerFailure {
  if (failure.kind === "protocol/too-large")
    return { kind: "peer/too-large", limit: failure.limit };
  return { kind: "peer/bad-payload", path: "path" in failure ? failure.path : "" };
}
