/** Takes what a member wants stored, over socket or REST alike: checks, rates, then the log. SPEC §posting. */
import type { Clock } from "#base/clock.ts";
import { ok, type Result } from "#base/result.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { EndpointFrameOf } from "#protocol/endpoint-frame.ts";
import { MAX_ARTIFACT_LIFETIME_MS, RECALL_WINDOW_MS } from "#protocol/limits.ts";
import { ENVELOPE_FORMAT } from "#protocol/version.ts";
import { checkEnvelope, decodeBase64, type Sealed } from "../envelope-check.ts";
import { refuse, refuseFor, type RelayFailure } from "../failure.ts";
import type { Appended, AppendRequest, EntryKind, LogStore, NewEntry } from "../log/log-store.ts";
import type { Principal } from "./connection.ts";
import type { Rates } from "./rates.ts";
import type { Buckets } from "./token-bucket.ts";

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

export interface Posting {
  /** Resolves when the entry is on disk; `tag` names the writing socket. */
  post(
    principal: Principal,
    frame: DurableEndpointFrame,
    tag: string | null,
  ): Promise<Result<Appended, RelayFailure>>;
}

const KIND_BY_FRAME = {
  "message.send": "message.new",
  "reaction.set": "reaction.update",
  "stream.start": "stream.start",
  "stream.done": "stream.done",
} as const satisfies Record<SendFrame["type"], EntryKind>;

export function createPosting(needs: {
  readonly log: LogStore;
  readonly clock: Clock;
  readonly buckets: Buckets;
  readonly rates: Rates;
}): Posting {
  const { log, clock } = needs;

  const send = async (principal: Principal, frame: SendFrame, tag: string | null) => {
    const sealed = check(principal, frame, frame.client_message_id, frame.envelope_version);
    if (!sealed.ok) return sealed;
    const guard = frame.artifact_guard;
    const expiresAt = guard?.expires_at === undefined ? null : Date.parse(guard.expires_at);
    const now = clock.now();
    if (expiresAt !== null && !(expiresAt > now && expiresAt <= now + MAX_ARTIFACT_LIFETIME_MS)) {
      return refuse("BAD_REQUEST", { path: "artifact_guard.expires_at" });
    }
    const isControl = frame.type === "stream.start" || frame.type === "reaction.set";
    const contentType = isControl ? "control" : frame.content_type;
    const meta = {
      content_type: contentType,
      ...(frame.envelope_version === ENVELOPE_FORMAT
        ? {}
        : { envelope_version: frame.envelope_version }),
      ...("stream_id" in frame ? { stream_id: frame.stream_id } : {}),
      ...("delta_count" in frame ? { delta_count: frame.delta_count } : {}),
    };
    const base = entryBy(
      principal,
      frame.conversation_id,
      KIND_BY_FRAME[frame.type],
      frame.client_message_id,
    );
    const entry = { ...base, ...sealed.value, meta, countsUnread: contentType === "encrypted" };
    const artifact =
      guard === undefined
        ? null
        : { key: guard.key, basedOnRevision: guard.based_on_revision ?? null, expiresAt };
    return log.append({ now, entry, artifact, stream: streamStep(frame) }, tag);
  };

  const abort = async (
    principal: Principal,
    frame: EndpointFrameOf<"stream.abort">,
    tag: string | null,
  ) => {
    const { stream_id, client_message_id, encrypted_payload, reason } = frame;
    const sealed = sealedPart(principal, frame);
    if (!sealed.ok) return sealed;
    const entry = {
      ...entryBy(principal, frame.conversation_id, "stream.abort", client_message_id ?? null),
      ...sealed.value,
      meta: {
        stream_id,
        ...(reason === undefined ? {} : { reason }),
        ...(client_message_id === undefined || encrypted_payload === undefined
          ? {}
          : { client_message_id }),
      },
    };
    const stream = { streamId: stream_id, step: "end" } as const;
    return log.append({ now: clock.now(), entry, artifact: null, stream }, tag);
  };

  const control = (
    principal: Principal,
    frame: EndpointFrameOf<"control.send">,
    tag: string | null,
  ) => {
    if (decodeBase64(frame.record) === null || frame.record.length > MAX_RECORD_CHARACTERS) {
      return Promise.resolve(refuse("BAD_REQUEST", { path: "record" }));
    }
    const entry = entryBy(principal, frame.conversation_id, "control", null);
    const meta = {
      sender_id: principal.accountId,
      sender_device_id: principal.endpointId,
      record: frame.record,
    };
    return log.append(
      { now: clock.now(), entry: { ...entry, meta }, artifact: null, stream: null },
      tag,
    );
  };

  const recall = async (
    principal: Principal,
    frame: EndpointFrameOf<"message.recall">,
    tag: string | null,
  ) => {
    const sealed = sealedPart(principal, frame);
    if (!sealed.ok) return sealed;
    const { body, sessionOpen } = sealed.value;
    return log.recall(
      {
        now: clock.now(),
        conversationId: frame.conversation_id,
        messageId: frame.message_id,
        senderId: principal.accountId,
        senderType: principal.type,
        senderDeviceId: principal.endpointId,
        windowMs: RECALL_WINDOW_MS,
        signed:
          body === null || frame.client_message_id === undefined
            ? null
            : { messageId: frame.client_message_id, body, sessionOpen },
      },
      tag,
    );
  };

  return {
    async post(principal, frame, tag) {
      const { agentMessages, humanMessages } = needs.rates;
      const rate = principal.type === "agent" ? agentMessages : humanMessages;
      // The end of a stream must not be refused for its beginning: it would orphan what was already shown.
      const endsStream = frame.type === "stream.done" || frame.type === "stream.abort";
      const waitMs = endsStream ? 0 : needs.buckets.take(`post ${principal.endpointId}`, rate);
      if (waitMs > 0) return refuseFor("RATE_LIMITED", waitMs);
      switch (frame.type) {
        case "stream.abort":
          return abort(principal, frame, tag);
        case "control.send":
          return control(principal, frame, tag);
        case "message.recall":
          return recall(principal, frame, tag);
        default:
          return send(principal, frame, tag);
      }
    },
  };
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
