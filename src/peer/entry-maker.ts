/**
 * From a durable frame to the entry that is kept and told. Opening, deduping, claiming and ledger keeping happen here;
 * nothing is written but through the draft. SPEC E36, E39, E40.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { utf8 } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { roleAt } from "#crypto/ledger/conversation-state.ts";
import { parseConversationOp } from "#crypto/ledger/conversation-op.ts";
import { peekLedgerEntry } from "#crypto/ledger/entry.ts";
import { CLOCK_SKEW_MS } from "#crypto/limits.ts";
import type { Primitives } from "#crypto/primitives.ts";
import {
  type AccountId,
  type ConversationId,
  type DeviceId,
  type MessageId,
  type StreamId,
} from "#protocol/ids.ts";
import type { DurableFrame, MessageFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import { peekEnvelope } from "#protocol/envelope.ts";
import { ENVELOPE_FORMAT } from "#protocol/version.ts";
import { arrivedAt, arrivedSomewhere } from "./arrivals.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./endpoint.ts";
import { encodeEntry, parseEntry } from "./entry.ts";
import type { PeerFailure } from "./failure.ts";
import { authorOf, factsOf, other } from "./frame-facts.ts";
import type { Gaps } from "./gaps.ts";
import type { Ledgers } from "./ledgers.ts";
import { ownRecall } from "./recall.ts";
import { REMOVALS_TABLE, removalKey, type Opened, type Opener } from "./opener.ts";
import type { SeenMessages } from "./seen-messages.ts";
import type { Statements } from "./statements.ts";
import type { Store } from "./store.ts";
import type { StreamReader } from "./stream-reader.ts";

/** Whether a message may be acted on: an agent's processes ask a common memory first. */
export type Claim = (
  conversationId: ConversationId,
  senderDeviceId: DeviceId,
  messageId: MessageId,
  sid: Uint8Array,
  index: number,
) => Promise<"fresh" | "seen" | "interrupted">;

/** The failure of a message that was said before this device was added. */
export const BEFORE_DEVICE = "before-device";

export type Made = {
  /** Null: a repeat, nothing to tell. */
  readonly entry: Entry | null;
  /** An entry told before that is whole now. */
  readonly mended: Entry | null;
  readonly interrupted: boolean;
  /** What follows once the entry is durable and told. */
  readonly after: () => void;
};

/** Finds own messages that stand in the log though their ack was never heard. */
export type OwnMessages = {
  /** The entry of a waiting message that the log turns out to hold; its outbox row goes with the draft. */
  found(
    conversationId: ConversationId,
    messageId: MessageId,
    place: { readonly seq: number; readonly at: number },
    draft: Draft,
  ): { readonly entry: Entry; readonly after: () => void } | null;
};

export interface EntryMaker {
  /** Fails only with what passes: no line, a busy relay, a failing store. */
  make(frame: DurableFrame, draft: Draft): Promise<Result<Made, PeerFailure>>;
}

export const createEntryMaker = (options: Needs): EntryMaker => new VerifyingMaker(options);

type Needs = {
  readonly primitives: Primitives;
  readonly self: { readonly accountId: AccountId; readonly deviceId: DeviceId };
  readonly store: Store;
  readonly ledgers: Ledgers;
  readonly opener: Opener;
  readonly seen: SeenMessages;
  readonly gaps: Gaps;
  readonly own: OwnMessages;
  readonly reader: StreamReader;
  readonly statements: Statements;
  /** What is read is kept here. */
  readonly isKept: boolean;
  readonly claim: Claim | null;
  /** Whether the writing device may be one of several processes, whose words this one can open. */
  readonly readsOwn: boolean;
  readonly addedAt: number | null;
  readonly onFailure: (failure: PeerFailure) => void;
};

class VerifyingMaker implements EntryMaker {
  readonly #options: Needs;
  readonly #self: Needs["self"];
  readonly #store: Needs["store"];
  readonly #ledgers: Needs["ledgers"];
  readonly #opener: Needs["opener"];
  readonly #seen: Needs["seen"];
  readonly #reader: Needs["reader"];

  constructor(options: Needs) {
    this.#options = options;
    this.#self = options.self;
    this.#store = options.store;
    this.#ledgers = options.ledgers;
    this.#opener = options.opener;
    this.#seen = options.seen;
    this.#reader = options.reader;
  }

  async make(frame: DurableFrame, draft: Draft): Promise<Result<Made, PeerFailure>> {
    switch (frame.type) {
      case "message.new":
      case "reaction.update":
      case "stream.start":
      case "stream.done":
        return this.#makeMessage(frame, draft);
      case "message.recalled":
        return this.#makeRecalled(frame, draft);
      case "ledger.appended":
        return this.#makeLedger(frame, draft);
      case "stream.abort":
        return ok(this.#endStream(frame, "aborted"));
      case "stream.error":
        return ok(this.#endStream(frame, STREAM_ENDS[frame.code] ?? "aborted"));
      case "relation.established":
      case "relation.suspended":
      case "relation.restored":
      case "relation.revoked": {
        const status = RELATION_STATUS[frame.type];
        return ok(this.#told(frame, { kind: "relation", status, facts: factsOf(frame.payload) }));
      }
      case "message.pinned":
      case "artifact.expired":
      case "group.updated":
      case "system.group_key_rotated":
        return ok(this.#told(frame, other(frame)));
      case "control": {
        const place = { seq: frame.conversation_seq, at: Date.parse(frame.created_at) };
        const taken = await this.#options.statements.take(frame, place, draft);
        return taken.ok ? ok(this.#told(frame, other(frame))) : taken;
      }
    }
  }

  async #makeMessage(frame: MessageFrame, draft: Draft): Promise<Result<Made, PeerFailure>> {
    const { conversation_id, message_id, conversation_seq } = frame;
    if (await this.#seen.has(conversation_id, message_id, draft)) return ok(nothing);
    const isOwnDevice =
      frame.sender_id === this.#self.accountId && frame.sender_device_id === this.#self.deviceId;
    const place = { seq: conversation_seq, at: Date.parse(frame.created_at) };
    if (isOwnDevice) {
      const own = this.#options.own.found(conversation_id, message_id, place, draft);
      if (own !== null) {
        this.#seen.add(conversation_id, message_id, conversation_seq, draft);
        return ok({ ...nothing, ...own });
      }
    }
    const salvaged = await this.#seen.salvaged(conversation_id, message_id, draft);
    if (salvaged !== null) {
      this.#noteArrival(frame, draft);
      this.#seen.add(conversation_id, message_id, conversation_seq, draft);
      return ok({ ...nothing, entry: { ...salvaged, ...place } });
    }
    if (isOwnDevice && frame.encrypted_payload !== null && !this.#options.readsOwn)
      return ok(this.#told(frame, own(message_id)));
    if (frame.encrypted_payload === null) {
      this.#noteArrival(frame, draft);
      this.#seen.add(conversation_id, message_id, conversation_seq, draft);
      return ok(this.#told(frame, { kind: "recalled", messageId: message_id, by: "server" }));
    }
    const opened = await this.#open(frame, frame.encrypted_payload, draft);
    if (!opened.ok) {
      if (!isFinal(opened.failure)) return opened;
      this.#seen.add(conversation_id, message_id, conversation_seq, draft);
      if (isOwnDevice) return ok(this.#told(frame, own(message_id)));
      this.#noteArrival(frame, draft);
      const isBefore = this.#isBeforeUs(frame, opened.failure);
      const because = isBefore ? BEFORE_DEVICE : becauseOf(opened.failure);
      return ok(this.#told(frame, unreadable(message_id, because)));
    }
    this.#seen.add(conversation_id, message_id, conversation_seq, draft);
    const mended = await this.#options.gaps.settle(opened.value, draft);
    if (opened.value.payload.type === "recall" && frame.type !== "message.new")
      return ok({ ...nothing, mended });
    const made = await this.#makeOpened(frame, opened.value);
    return made.ok ? ok({ ...made.value, mended }) : made;
  }

  /** It is in the log, though nothing of it is read in its writer's chain. */
  #noteArrival(frame: MessageFrame, draft: Draft): void {
    if (!this.#options.isKept) return;
    const { conversation_id, message_id, sender_device_id, created_at } = frame;
    const bytes = base64ToBytes(frame.encrypted_payload ?? "");
    const head = bytes === null ? null : peekEnvelope(bytes);
    if (head?.ok === true) draft.puts.push(arrivedAt(head.value));
    else if (sender_device_id !== undefined) {
      const at = Date.parse(created_at);
      draft.puts.push(arrivedSomewhere(conversation_id, sender_device_id, message_id, at));
    }
  }

  /** Sealed before others had heard of this device: nobody left it out. */
  #isBeforeUs({ created_at }: MessageFrame, failure: PeerFailure): boolean {
    const { addedAt } = this.#options;
    const isLeftOut = failure.kind === "peer/cannot-read" && failure.because === "not-addressed";
    return addedAt !== null && isLeftOut && Date.parse(created_at) < addedAt + CLOCK_SKEW_MS;
  }

  #open(
    frame: MessageFrame | RelayFrameOf<"message.recalled">,
    envelope: string,
    draft: Draft,
  ): Promise<Result<Opened, PeerFailure>> {
    const isRow = frame.type !== "message.recalled";
    return this.#opener.open(
      {
        conversationId: frame.conversation_id,
        seq: frame.conversation_seq,
        messageId: isRow ? frame.message_id : (frame.client_message_id ?? frame.message_id),
        senderId: isRow ? frame.sender_id : frame.recalled_by,
        envelopeVersion: isRow ? frame.envelope_version : ENVELOPE_FORMAT,
        envelope,
        sessionOpen: frame.session_open ?? null,
      },
      draft,
    );
  }

  async #makeOpened(frame: MessageFrame, opened: Opened): Promise<Result<Made, PeerFailure>> {
    const { header, payload } = opened;
    const { conversation_id, message_id } = frame;
    const verdict =
      this.#options.claim === null
        ? "fresh"
        : await this.#options.claim(
            conversation_id,
            header.senderDeviceId,
            message_id,
            header.sid,
            header.index,
          );
    if (verdict === "seen") return ok(nothing);
    const streamId = streamOf(opened);
    const content = {
      kind: "message",
      messageId: message_id,
      payload,
      messageHash: bytesToBase64(opened.messageHash),
      plaintextHash: bytesToBase64(opened.plaintextHash),
      streamId,
      gap: opened.gap,
      suite: header.suite,
      mode: opened.mode,
      reduced: opened.reduced,
      ...(payload.type === "profile" && { isByLead: await this.#isByLead(opened) }),
    } as const;
    const made = this.#told(frame, content, opened);
    if (payload.type === "stream") {
      const key = base64ToBytes(payload.key);
      if (key === null || made.entry === null || streamId === null) return ok(made);
      const { authorId, at } = made.entry;
      const start = {
        conversationId: conversation_id,
        streamId,
        messageId: message_id,
        authorId,
        at,
      };
      return ok({
        ...made,
        after: () => this.#reader.begin({ ...start, key, startHash: opened.messageHash }),
      });
    }
    const interrupted = verdict === "interrupted";
    if (streamId === null || made.entry === null) return ok({ ...made, interrupted });
    const text = payload.type === "text" ? payload.text : "";
    const proof = "stream" in payload ? payload.stream : undefined;
    const streamProof = await this.#reader.finish(streamId, proof, text);
    return ok({
      ...made,
      interrupted,
      entry: { ...made.entry, content: { ...content, streamProof } },
    });
  }

  /** Now as well, so that who was put back cannot speak from an older place of the ledger. */
  async #isByLead({ header }: Opened): Promise<boolean> {
    const ledger = await this.#ledgers.state(header.conversationId);
    if (!ledger.ok) return false;
    const { senderId, ledgerSeq } = header;
    const roles = [
      roleAt(ledger.value, senderId, ledgerSeq),
      roleAt(ledger.value, senderId, ledger.value.seq),
    ];
    return roles.every((role) => role === "owner" || role === "admin");
  }

  async #makeRecalled(
    frame: RelayFrameOf<"message.recalled">,
    draft: Draft,
  ): Promise<Result<Made, PeerFailure>> {
    const target = frame.message_id;
    const byServer = ok(this.#told(frame, { kind: "recalled", messageId: target, by: "server" }));
    const byAuthor = { kind: "recalled", messageId: target, by: "author" } as const;
    const seq = await this.#seen.seqOf(frame.conversation_id, target, draft);
    const row = seq === null ? null : await this.#store.logAt(frame.conversation_id, seq);
    const before = row === null ? null : parseEntry(row);
    const isOwn = await this.#isOwnRecall(frame);
    let recallerId: AccountId | null = isOwn ? this.#self.accountId : null;
    if (!isOwn && frame.encrypted_payload !== undefined) {
      const opened = await this.#open(frame, frame.encrypted_payload, draft);
      if (!opened.ok && !isFinal(opened.failure)) return opened;
      const payload = opened.ok ? opened.value.payload : null;
      if (opened.ok && payload?.type === "recall" && payload.message_id === target) {
        recallerId = opened.value.sender.accountId;
      }
    }
    if (recallerId === null) return byServer;
    if (before !== null && before.authorId !== recallerId) return byServer;
    if (before !== null) {
      // The author took it back: the plaintext goes from this disk too.
      const emptied = encodeEntry({ ...before, content: byAuthor });
      draft.log.push({ conversationId: frame.conversation_id, seq: before.seq, row: emptied });
    }
    return ok(this.#told(frame, byAuthor));
  }

  /** The relay may name this device as it likes: what it did not ask for is not its own. */
  async #isOwnRecall(frame: RelayFrameOf<"message.recalled">): Promise<boolean> {
    const { conversation_id, client_message_id, message_id, recalled_by, sender_device_id } = frame;
    const { accountId, deviceId } = this.#self;
    if (recalled_by !== accountId || sender_device_id !== deviceId) return false;
    if (client_message_id === undefined) return false;
    return (await ownRecall(this.#store, conversation_id, client_message_id)) === message_id;
  }

  async #makeLedger(
    frame: RelayFrameOf<"ledger.appended">,
    draft: Draft,
  ): Promise<Result<Made, PeerFailure>> {
    const bytes = base64ToBytes(frame.entry);
    const entry = bytes === null ? null : peekLedgerEntry(this.#options.primitives, bytes);
    const op = entry === null ? null : parseConversationOp(entry);
    if (bytes === null || entry === null || op === null) return ok(this.#told(frame, other(frame)));
    const appended = await this.#ledgers.append(frame.conversation_id, [bytes]);
    if (!appended.ok) {
      if (!isFinal(appended.failure)) return appended;
      this.#options.onFailure(appended.failure);
      return ok(this.#told(frame, other(frame)));
    }
    if (op.type === "remove") {
      const key = removalKey(frame.conversation_id, op.accountId);
      draft.puts.push({ table: REMOVALS_TABLE, key, value: utf8(String(frame.conversation_seq)) });
    }
    const subjectId = op.accountId;
    const { actorId } = entry;
    const made = this.#told(frame, { kind: "ledger", op: op.type, actorId, subjectId });
    return ok({ ...made, entry: made.entry && { ...made.entry, authorId: actorId } });
  }

  #endStream(frame: DurableFrame & { readonly stream_id: StreamId }, reason: StreamEnd): Made {
    return {
      ...this.#told(frame, { kind: "stream-ended", streamId: frame.stream_id, reason }),
      after: () => this.#reader.drop(frame.stream_id),
    };
  }

  #told(frame: DurableFrame, content: Entry["content"], opened?: Opened): Made {
    return {
      ...nothing,
      entry: {
        conversationId: frame.conversation_id,
        seq: frame.conversation_seq,
        at: Date.parse(frame.created_at),
        ...authorOf(frame, this.#self.accountId),
        ...(opened === undefined
          ? {}
          : { authorKind: opened.sender.kind, authorDeviceId: opened.header.senderDeviceId }),
        content,
      },
    };
  }
}

const nothing: Made = { entry: null, mended: null, interrupted: false, after: () => {} };

type StreamEnd = Extract<Entry["content"], { kind: "stream-ended" }>["reason"];
const STREAM_ENDS: Readonly<Record<string, StreamEnd>> = {
  STREAM_TIMEOUT: "timeout",
  STREAM_ORPHANED: "orphaned",
  STREAM_LIMIT: "limit",
  STREAM_DISABLED: "disabled",
};

const RELATION_STATUS = {
  "relation.established": "established",
  "relation.suspended": "suspended",
  "relation.restored": "restored",
  "relation.revoked": "revoked",
} as const;

const own = (messageId: MessageId): Entry["content"] => ({
  kind: "unreadable",
  messageId,
  failure: "own-message",
});

const unreadable = (messageId: MessageId, failure: string): Entry["content"] => ({
  kind: "unreadable",
  messageId,
  failure,
});

/** Whether an entry can never be read: all else is the line's or the store's trouble, and it is tried again. */
function isFinal({ kind }: PeerFailure): boolean {
  switch (kind) {
    case "peer/cannot-read":
    case "peer/key-changed":
    case "peer/bad-ledger":
    case "peer/no-ledger":
    case "peer/fork":
    case "peer/ledger-withheld":
    case "peer/not-member":
    case "peer/not-found":
      return true;
    default:
      return false;
  }
}

const becauseOf = (failure: PeerFailure): string =>
  failure.kind === "peer/cannot-read" ? failure.because : failure.kind;

/** The stream a message opens or closes, by its signed payload. */
function streamOf({ payload }: Opened): StreamId | null {
  const signed =
    payload.type === "stream"
      ? payload.stream_id
      : "stream" in payload
        ? payload.stream?.stream_id
        : undefined;
  return signed === undefined ? null : (signed as StreamId);
}
