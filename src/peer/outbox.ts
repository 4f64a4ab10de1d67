/**
 * Own messages from "queued" to "acked": durable before anything else, sealed just before sending, the sealed bytes
 * stored before they leave, sent again unchanged until the relay has them. One at a time per conversation, so that the
 * log has them in order; 32 at once over all. SPEC E60–E69.
 */
import { backoffDelayMs } from "#base/backoff.ts";
import { bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { createKeyedQueue } from "#base/queue.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import { MAX_ENVELOPE_BYTES } from "#protocol/limits.ts";
import { checkPayload, encodePayload } from "#protocol/payload.ts";
import { startDraft, type Draft } from "./draft.ts";
import type { EndpointEvent, Entry, OutgoingMessage } from "./endpoint.ts";
import type { OwnMessages } from "./entry-maker.ts";
import { isPassing, type PeerFailure } from "./failure.ts";
import { encodeRecord, parseRecord } from "./json-record.ts";
import {
  frameOf,
  OutboxRecord,
  type Item,
  type SealedRecord,
  type ToSend,
} from "./outbox-record.ts";
import type { RelayChannel } from "./relay-channel.ts";
import type { SeenMessages } from "./seen-messages.ts";
import type { SenderSessions } from "./sender-sessions.ts";
import type { Batch, Store } from "./store.ts";
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
/** A sealed message that waited longer meets keys that may be gone: it is sealed anew, under the same id. */
const RESEAL_AFTER_MS = 24 * 3_600_000;
/** Outcomes remembered for those who ask late. */
const MAX_SETTLED = 256;

export function createOutbox(options: {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly store: Store;
  readonly channel: RelayChannel;
  readonly sessions: SenderSessions;
  readonly seen: SeenMessages;
  readonly self: {
    readonly accountId: AccountId;
    readonly deviceId: DeviceId;
    readonly kind: "human" | "agent";
  };
  /** Puts an acked message into the log; the draft removes its row here in the same commit. */
  readonly place: (entry: Entry, draft: Draft) => Promise<Result<null, PeerFailure>>;
  readonly emit: (event: EndpointEvent) => void;
}): Outbox {
  const { clock, random, store, channel, sessions, seen, self, emit } = options;
  const items = new Map<MessageId, Item>();
  const settledById = new Map<MessageId, OutgoingMessage>();
  const waitingForIt = new Map<MessageId, ((message: OutgoingMessage) => void)[]>();
  const lanes = createKeyedQueue();
  const slots = createSlots(MAX_IN_FLIGHT);
  let wake = createSignal();
  let drainedSignal = createSignal();
  let lastOrder = "";
  const pauses = createPauses(clock);
  let loading: Promise<void> | null = null;
  let isClosed = false;

  const show = (item: Item): OutgoingMessage => ({
    conversationId: item.message.conversationId,
    messageId: item.message.messageId,
    payload: item.message.payload,
    queuedAt: item.queuedAt,
    state: item.state,
  });

  const recordOf = (item: Item): Bytes => {
    const { alongside: _written, ...message } = item.message;
    const failure = item.state.status === "failed" ? item.state.failure : null;
    const { order, queuedAt, sealed } = item;
    return encodeRecord({ ...message, order, queuedAt, sealed, failure });
  };

  const save = (item: Item, alongside: Batch = {}): Promise<Result<null, PeerFailure>> =>
    store.commit({
      ...alongside,
      puts: [...(alongside.puts ?? []), { table: TABLE, key: item.order, value: recordOf(item) }],
    });

  const move = (item: Item, state: OutgoingMessage["state"]): void => {
    item.state = state;
    const message = show(item);
    emit({ type: "outgoing", message });
    if (state.status !== "acked" && state.status !== "failed") return;
    if (state.status === "acked") items.delete(message.messageId);
    settledById.set(message.messageId, message);
    for (const id of settledById.keys()) {
      if (settledById.size <= MAX_SETTLED) break;
      settledById.delete(id);
    }
    for (const resolve of waitingForIt.get(message.messageId) ?? []) resolve(message);
    waitingForIt.delete(message.messageId);
    if (!hasWork()) drainedSignal.fire();
  };

  const hasWork = (): boolean =>
    [...items.values()].some(
      ({ state }) => state.status === "queued" || state.status === "sending",
    );

  const seal = async (item: Item): Promise<Result<SealedRecord, PeerFailure>> => {
    const { conversationId, messageId, payload, stream, contentType } = item.message;
    const bytes = encodePayload(payload);
    if (!bytes.ok) return err({ kind: "peer/bad-payload", path: "" });
    const sealed = await sessions.seal(conversationId, {
      messageId,
      contentType: payload.type,
      payload: bytes.value,
      kind: stream !== null ? "stream-done" : contentType === "control" ? "control" : "content",
    });
    if (!sealed.ok) return sealed;
    const { envelope, sessionOpen, messageHash, plaintextHash, header } = sealed.value;
    if (envelope.length > MAX_ENVELOPE_BYTES) {
      sessions.end(conversationId);
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
      sealedAt: clock.now(),
    });
  };

  /** The sealed bytes of an item, made and stored when there are none or they are too old. */
  const sealedOf = async (item: Item): Promise<Result<SealedRecord, PeerFailure>> => {
    const held = item.sealed;
    if (held !== null && clock.now() - held.sealedAt < RESEAL_AFTER_MS) return ok(held);
    if (held !== null) sessions.end(item.message.conversationId);
    const sealed = await seal(item);
    if (!sealed.ok) return sealed;
    item.sealed = sealed.value;
    const saved = await save(item);
    if (saved.ok) return sealed;
    // Not on disk, so never to be sent: its place in the chain is lost, and so the chain ends.
    item.sealed = held;
    sessions.end(item.message.conversationId);
    return saved;
  };

  const deliver = async (item: Item): Promise<void> => {
    for (let tries = 0; ; tries++) {
      if (!channel.isReady()) await wake.wait();
      if (isClosed || item.isDiscarded || !items.has(item.message.messageId)) return;
      const failure = await attempt(item);
      if (failure === null) return;
      if (failure.kind === "peer/offline") continue;
      if (!isPassing(failure)) return fail(item, failure);
      const askedMs = "retryAfterMs" in failure ? (failure.retryAfterMs ?? 0) : 0;
      await pauses.wait(Math.max(askedMs, backoffDelayMs(tries, random)));
    }
  };

  /** One try; null once it is settled. */
  const attempt = async (item: Item): Promise<PeerFailure | null> => {
    const release = await slots.take();
    try {
      const sealed = await sealedOf(item);
      if (!sealed.ok) return sealed.failure;
      if (item.state.status !== "sending") move(item, { status: "sending" });
      const answer = await channel.request(frameOf(item.message, sealed.value));
      if (!answer.ok) return isStreamGone(item, answer.failure) ? unstream(item) : answer.failure;
      if (answer.value.type !== "message.ack") return { kind: "peer/bad-answer", path: "type" };
      const { conversation_seq: seq, created_at, duplicate = false } = answer.value;
      await acked(item, { seq, at: Date.parse(created_at), duplicate });
      return null;
    } finally {
      release();
    }
  };

  /** The stream is not live any more: the same bytes go as an ordinary message. */
  const unstream = async (item: Item): Promise<PeerFailure> => {
    item.message = { ...item.message, stream: null };
    const saved = await save(item);
    return saved.ok ? { kind: "peer/offline" } : saved.failure;
  };

  const acked = async (
    item: Item,
    ack: { readonly seq: number; readonly at: number; readonly duplicate: boolean },
  ): Promise<void> => {
    if (!items.has(item.message.messageId)) return;
    const draft = startDraft();
    const entry = entryOf(item, ack, draft);
    const placed = await options.place(entry, draft);
    // The relay has it; a failing disk only means that it is sent again after a restart, and dropped as a repeat.
    if (!placed.ok) emit({ type: "error", failure: placed.failure, fatal: false });
    if (items.has(item.message.messageId)) move(item, { status: "acked", ...ack });
  };

  const entryOf = (
    item: Item,
    place: { readonly seq: number; readonly at: number },
    draft: Draft,
  ): Entry => {
    const { conversationId, messageId, payload, stream } = item.message;
    draft.deletes.push({ table: TABLE, key: item.order });
    seen.add(conversationId, messageId, place.seq, draft);
    return {
      conversationId,
      seq: place.seq,
      at: place.at,
      authorId: self.accountId,
      authorKind: self.kind,
      authorDeviceId: self.deviceId,
      content: {
        kind: "message",
        messageId,
        payload,
        messageHash: textOf(item.sealed?.messageHash),
        plaintextHash: textOf(item.sealed?.plaintextHash),
        streamId: stream?.streamId ?? null,
        gap: false,
        suite: item.sealed?.suite ?? 0,
        mode: item.sealed?.mode ?? "session",
        reduced: false,
      },
    };
  };

  const fail = async (item: Item, failure: PeerFailure): Promise<void> => {
    // A refused message would leave a hole in the chain that readers could not tell from a theft.
    sessions.end(item.message.conversationId);
    item.sealed = null;
    move(item, { status: "failed", failure });
    await save(item);
  };

  const enqueue = (item: Item): void => {
    items.set(item.message.messageId, item);
    void lanes.run(item.message.conversationId, () => deliver(item));
  };

  const nextOrder = (): string => {
    const [at = "", count = "0"] = lastOrder.split("-");
    const now = String(clock.now()).padStart(15, "0");
    // A clock set back must not put a message before an older one.
    lastOrder = now > at ? `${now}-000000` : `${at}-${String(Number(count) + 1).padStart(6, "0")}`;
    return lastOrder;
  };

  const load = async (): Promise<void> => {
    const rows = await store.list(TABLE);
    for (const { key, value } of rows) {
      const record = parseRecord(OutboxRecord, value);
      if (record === null || items.has(record.messageId)) continue;
      const payload = checkPayload(record.payload);
      if (!payload.ok || payload.value.type === "unknown") continue;
      const { conversationId, messageId, contentType, guard, stream, queuedAt, sealed } = record;
      const message = {
        conversationId,
        messageId,
        payload: payload.value,
        contentType,
        guard,
        stream,
      };
      const failure = record.failure as PeerFailure | null;
      const state =
        failure === null
          ? ({ status: "queued" } as const)
          : ({ status: "failed", failure } as const);
      if (key > lastOrder) lastOrder = key;
      const item: Item = { order: key, message, queuedAt, sealed, state, isDiscarded: false };
      if (failure === null) enqueue(item);
      else items.set(messageId, item);
      emit({ type: "outgoing", message: show(item) });
    }
  };

  return {
    start: () => (loading ??= load()),
    async queue(message) {
      // What an earlier run left goes first.
      await (loading ??= load());
      if (isClosed) return err({ kind: "peer/closed" });
      const known = items.get(message.messageId);
      if (known !== undefined) return ok(show(known));
      const item: Item = {
        order: nextOrder(),
        message,
        queuedAt: clock.now(),
        sealed: null,
        state: { status: "queued" },
        isDiscarded: false,
      };
      // Reserved at once: calls that follow each other keep their order whatever the store's speed.
      items.set(message.messageId, item);
      const saving = save(item, message.alongside);
      void lanes.run(message.conversationId, async () => {
        if ((await saving).ok) await deliver(item);
      });
      const saved = await saving;
      if (!saved.ok) {
        items.delete(message.messageId);
        return saved;
      }
      emit({ type: "outgoing", message: show(item) });
      return ok(show(item));
    },
    settled(messageId) {
      const known = settledById.get(messageId);
      const item = items.get(messageId);
      if (known !== undefined && (item === undefined || item.state.status === "failed")) {
        return Promise.resolve(known);
      }
      if (item?.state.status === "failed") return Promise.resolve(show(item));
      return new Promise((resolve) => {
        waitingForIt.set(messageId, [...(waitingForIt.get(messageId) ?? []), resolve]);
      });
    },
    async retry(messageId) {
      const item = items.get(messageId);
      if (item?.state.status !== "failed") return err({ kind: "peer/unknown-message", messageId });
      settledById.delete(messageId);
      move(item, { status: "queued" });
      const saved = await save(item);
      if (saved.ok) enqueue(item);
      return saved;
    },
    async discard(messageId) {
      const item = items.get(messageId);
      if (item === undefined) return err({ kind: "peer/unknown-message", messageId });
      // Bytes under way cannot be called back.
      if (item.state.status === "sending") return err({ kind: "peer/refused", code: "SENDING" });
      item.isDiscarded = true;
      items.delete(messageId);
      if (!hasWork()) drainedSignal.fire();
      return store.commit({ deletes: [{ table: TABLE, key: item.order }] });
    },
    list: () => [...items.values()].toSorted((a, b) => (a.order < b.order ? -1 : 1)).map(show),
    hasInFlight: (conversationId) =>
      [...items.values()].some(
        ({ message, state }) =>
          message.conversationId === conversationId && state.status === "sending",
      ),
    between: (conversationId, task) => lanes.run(conversationId, task),
    found(conversationId, messageId, place, draft) {
      const item = items.get(messageId);
      if (item === undefined || item.message.conversationId !== conversationId) return null;
      const entry = entryOf(item, place, draft);
      return { entry, after: () => move(item, { status: "acked", ...place, duplicate: true }) };
    },
    ready() {
      wake.fire();
      wake = createSignal();
    },
    drained: () => (hasWork() ? drainedSignal.wait() : Promise.resolve()),
    close() {
      isClosed = true;
      pauses.end();
      wake.fire();
      drainedSignal.fire();
      drainedSignal = createSignal();
    },
  };
}

const textOf = (bytes: Bytes | undefined): string =>
  bytes === undefined ? "" : bytesToBase64(bytes);

const isStreamGone = ({ message }: Item, failure: PeerFailure): boolean =>
  message.stream !== null && failure.kind === "peer/refused" && failure.code.startsWith("STREAM_");
