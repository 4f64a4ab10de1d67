/** Takes what a member wants stored, over socket or REST alike: checks, rates, then the log. SPEC P116. */
import type { Clock } from "#base/clock.ts";
import { ok, type Result } from "#base/result.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { EndpointFrameOf } from "#protocol/endpoint-frame.ts";
import { MAX_ARTIFACT_LIFETIME_MS, RECALL_WINDOW_MS } from "#protocol/limits.ts";
import { ENVELOPE_FORMAT } from "#protocol/version.ts";
import { checkEnvelope, decodeBase64, type Sealed } from "../envelope-check.ts";
import { refuse, refuseFor, type RelayFailure } from "../failure.ts";
import { secondsSince, type Metrics } from "../metrics.ts";
import type {
  Appended,
  AppendRequest,
  EntryKind,
  LogStore,
  NewEntry,
  Origin,
  StoredEntry,
} from "../log/log-store.ts";
import type { Principal } from "./connection.ts";
import type { Rates } from "./rates.ts";
import type { Buckets, Rate } from "./token-bucket.ts";

type SendFrame =
  | EndpointFrameOf<"message.send">
  | EndpointFrameOf<"reaction.set">
  | EndpointFrameOf<"stream.start">
  | EndpointFrameOf<"stream.done">;
/** Frames that come to stand in the log. */
export type DurableEndpointFrame =
  | SendFrame
  | EndpointFrameOf<"stream.abort">
  | EndpointFrameOf<"message.recall">
  | EndpointFrameOf<"control.send">;

/** What its answer names a frame by. */
export const idsOf = (frame: DurableEndpointFrame) => ({
  req: frame.req,
  ...("client_message_id" in frame ? { client_message_id: frame.client_message_id } : {}),
  ...("stream_id" in frame ? { stream_id: frame.stream_id } : {}),
});

type Needs = {
  readonly log: LogStore;
  readonly clock: Clock;
  readonly buckets: Buckets;
  readonly rates: Rates;
  readonly metrics: Metrics;
  /** This node among others; null: it is alone. */
  readonly nodeId: () => string | null;
};

type Stored = Promise<Result<Appended, RelayFailure>>;

const KIND_BY_FRAME = {
  "message.send": "message.new",
  "reaction.set": "reaction.update",
  "stream.start": "stream.start",
  "stream.done": "stream.done",
} as const satisfies Record<SendFrame["type"], EntryKind>;

export class Posting {
  readonly #needs: Needs;
  readonly #writerByMessage = new Map<string, string>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * Resolves when the entry is on disk; `tag` names the writing socket. Nothing is waited for before the log has the
   * entry, so that what one socket sends is stored in the order it came.
   */
  async post(principal: Principal, frame: DurableEndpointFrame, tag: string | null): Stored {
    const { buckets, clock, metrics } = this.#needs;
    const rule = principal.type === "agent" ? "agentMessages" : "humanMessages";
    // The end of a stream must not be refused for its beginning: it would orphan what was already shown.
    const endsStream = frame.type === "stream.done" || frame.type === "stream.abort";
    const waitMs = endsStream
      ? 0
      : buckets.take(`post ${principal.endpointId}`, this.#rateOf(principal));
    if (waitMs > 0) {
      metrics.count("rate_limited_total", { rule });
      return refuseFor("RATE_LIMITED", waitMs);
    }
    const takenAt = clock.now();
    const stored = await this.#write(principal, frame, tag);
    if (stored.ok) metrics.observe("append_seconds", secondsSince(clock.now(), takenAt));
    return stored;
  }

  /** The socket that waits for the answer to this entry, if it is here; null for what has no id of its own. */
  writerOf({ conversationId, messageId }: StoredEntry): string | null {
    return this.#writerByMessage.get(`${conversationId} ${messageId ?? ""}`) ?? null;
  }

  async #append(principal: Principal, request: AppendRequest, tag: string | null): Stored {
    const origin = this.#originOf(principal, tag);
    // Alone, every entry is told with the tag of its writer.
    if (origin === null) return this.#needs.log.append(request, tag);
    const { conversationId, messageId } = request.entry;
    const key = `${conversationId} ${messageId ?? ""}`;
    if (tag !== null && messageId !== null) this.#writerByMessage.set(key, tag);
    return this.#needs.log
      .append({ ...request, origin }, tag)
      .finally(() => this.#writerByMessage.delete(key));
  }

  #originOf({ type }: Principal, tag: string | null): Origin | null {
    const nodeId = this.#needs.nodeId();
    return nodeId === null ? null : { nodeId, agentSocket: type === "agent" ? tag : null };
  }

  #rateOf(principal: Principal): Rate {
    const { rates } = this.#needs;
    if (principal.type === "human") return rates.humanMessages;
    const own = principal.messagesPerSecond;
    const { perSecond, burst } = rates.agentMessages;
    return own === null
      ? rates.agentMessages
      : { perSecond: own, burst: Math.max(1, (own * burst) / perSecond) };
  }

  #write(principal: Principal, frame: DurableEndpointFrame, tag: string | null): Stored {
    switch (frame.type) {
      case "stream.abort":
        return this.#abort(principal, frame, tag);
      case "control.send":
        return this.#control(principal, frame, tag);
      case "message.recall":
        return this.#recall(principal, frame, tag);
      default:
        return this.#send(principal, frame, tag);
    }
  }

  async #send(principal: Principal, frame: SendFrame, tag: string | null): Stored {
    const sealed = check(principal, frame, frame.client_message_id, frame.envelope_version);
    if (!sealed.ok) return sealed;
    const now = this.#needs.clock.now();
    const artifact = artifactGuard(frame, now);
    if (!artifact.ok) return artifact;
    const meta = metaOf(frame);
    const base = entryBy(
      principal,
      frame.conversation_id,
      KIND_BY_FRAME[frame.type],
      frame.client_message_id,
    );
    const entry = {
      ...base,
      ...sealed.value,
      meta,
      countsUnread: meta.content_type === "encrypted",
    };
    const stream = streamStep(frame);
    const request = { now, entry, artifact: artifact.value, stream };
    return this.#append(principal, request, tag);
  }

  async #abort(
    principal: Principal,
    frame: EndpointFrameOf<"stream.abort">,
    tag: string | null,
  ): Stored {
    const { stream_id, client_message_id, reason } = frame;
    const sealed = sealedPart(principal, frame);
    if (!sealed.ok) return sealed;
    const isSigned = sealed.value.body !== null;
    const meta = {
      stream_id,
      ...(reason === undefined ? {} : { reason }),
      ...(isSigned ? { client_message_id } : {}),
    };
    const base = entryBy(
      principal,
      frame.conversation_id,
      "stream.abort",
      client_message_id ?? null,
    );
    const stream = { streamId: stream_id, step: "end" } as const;
    const now = this.#needs.clock.now();
    const request = { now, entry: { ...base, ...sealed.value, meta }, artifact: null, stream };
    return this.#append(principal, request, tag);
  }

  async #control(
    principal: Principal,
    frame: EndpointFrameOf<"control.send">,
    tag: string | null,
  ): Stored {
    const { record, conversation_id } = frame;
    if (record.length > MAX_RECORD_CHARACTERS || decodeBase64(record) === null) {
      return refuse("BAD_REQUEST", { path: "record" });
    }
    const meta = {
      sender_id: principal.accountId,
      sender_device_id: principal.endpointId,
      record,
    };
    const entry = { ...entryBy(principal, conversation_id, "control", null), meta };
    const now = this.#needs.clock.now();
    return this.#append(principal, { now, entry, artifact: null, stream: null }, tag);
  }

  async #recall(
    principal: Principal,
    frame: EndpointFrameOf<"message.recall">,
    tag: string | null,
  ): Stored {
    const sealed = sealedPart(principal, frame);
    if (!sealed.ok) return sealed;
    const { body, sessionOpen } = sealed.value;
    const messageId = frame.client_message_id;
    const origin = this.#originOf(principal, tag);
    return this.#needs.log.recall(
      {
        now: this.#needs.clock.now(),
        conversationId: frame.conversation_id,
        messageId: frame.message_id,
        senderId: principal.accountId,
        senderType: principal.type,
        senderDeviceId: principal.endpointId,
        windowMs: RECALL_WINDOW_MS,
        signed: body === null || messageId === undefined ? null : { messageId, body, sessionOpen },
        ...(origin === null ? {} : { origin }),
      },
      tag,
    );
  }
}

/** What the relay keeps of a message beside its envelope. */
function metaOf(frame: SendFrame): Readonly<Record<string, unknown>> {
  const isControl = frame.type === "stream.start" || frame.type === "reaction.set";
  return {
    content_type: isControl ? "control" : frame.content_type,
    ...(frame.envelope_version === ENVELOPE_FORMAT
      ? {}
      : { envelope_version: frame.envelope_version }),
    ...(frame.push === "normal" ? {} : { push: frame.push }),
    ...("stream_id" in frame ? { stream_id: frame.stream_id } : {}),
    ...("delta_count" in frame ? { delta_count: frame.delta_count } : {}),
  };
}

function artifactGuard(
  frame: SendFrame,
  now: number,
): Result<AppendRequest["artifact"], RelayFailure> {
  const guard = frame.artifact_guard;
  if (guard === undefined) return ok(null);
  const expiresAt = guard.expires_at === undefined ? null : Date.parse(guard.expires_at);
  const isTimely =
    expiresAt === null || (expiresAt > now && expiresAt <= now + MAX_ARTIFACT_LIFETIME_MS);
  if (!isTimely) return refuse("BAD_REQUEST", { path: "artifact_guard.expires_at" });
  return ok({ key: guard.key, basedOnRevision: guard.based_on_revision ?? null, expiresAt });
}

/** Signed control records are a few hundred bytes; a beat names every open session of its writer. */
const MAX_RECORD_CHARACTERS = 65_536;

const streamStep = (frame: SendFrame): AppendRequest["stream"] => {
  if (frame.type === "stream.start") return { streamId: frame.stream_id, step: "start" };
  if (frame.type === "stream.done") return { streamId: frame.stream_id, step: "end" };
  return null;
};

const entryBy = (
  principal: Principal,
  conversationId: ConversationId,
  kind: EntryKind,
  messageId: MessageId | null,
): AppendRequest["entry"] => ({
  conversationId,
  kind,
  messageId,
  senderId: principal.accountId,
  senderType: principal.type,
  senderDeviceId: principal.endpointId,
  meta: {},
  body: null,
  sessionOpen: null,
  countsUnread: false,
});

const check = (
  principal: Principal,
  frame: {
    conversation_id: ConversationId;
    encrypted_payload: string;
    session_open?: string | undefined;
  },
  messageId: MessageId,
  format: string,
) =>
  checkEnvelope(
    { payload: frame.encrypted_payload, sessionOpen: frame.session_open, format },
    {
      conversationId: frame.conversation_id,
      messageId,
      senderId: principal.accountId,
      deviceId: principal.endpointId,
    },
  );

// A recall or an abort may go without a signed part; with one it needs an id of its own.
function sealedPart(
  principal: Principal,
  frame: {
    conversation_id: ConversationId;
    client_message_id?: MessageId | undefined;
    encrypted_payload?: string | undefined;
    session_open?: string | undefined;
  },
): Result<Pick<NewEntry, "sessionOpen"> & { body: Sealed["body"] | null }, RelayFailure> {
  const { client_message_id, encrypted_payload } = frame;
  if (encrypted_payload === undefined) return ok({ body: null, sessionOpen: null });
  if (client_message_id === undefined) return refuse("BAD_REQUEST", { path: "client_message_id" });
  return check(principal, { ...frame, encrypted_payload }, client_message_id, ENVELOPE_FORMAT);
}
