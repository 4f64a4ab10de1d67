/**
 * What nodes tell each other, as text: checked on arrival like anything else that comes over a wire. Notices hold ids
 * and places alone; a frame is one that an endpoint would get.
 */
import * as v from "valibot";
import { err, ok, type Result } from "#base/result.ts";
import type { ProtocolFailure } from "#protocol/failure.ts";
import { checkRelayFrame } from "#protocol/frame.ts";
import type { AccountId, AgentId, ConversationId, DeviceId, StreamId } from "#protocol/ids.ts";
import { countSchema, idSchema, parseJson, parseShape, seqSchema } from "#protocol/parse.ts";
import type { BusMessage } from "./bus.ts";

const account = idSchema<AccountId>();
const agent = idSchema<AgentId>();
const conversation = idSchema<ConversationId>();
const stream = idSchema<StreamId>();
const connection = idSchema<string>();
const node = idSchema<string>();

/** Sessions of a person that are over. */
const endedSessions = v.variant("which", [
  v.object({ which: v.literal("all") }),
  v.object({ which: v.literal("one"), sessionId: v.string() }),
  v.object({ which: v.literal("others"), sessionId: v.string() }),
  v.object({ which: v.literal("device"), deviceId: idSchema<DeviceId>() }),
]);
export type EndedSessions = v.InferOutput<typeof endedSessions>;

const NOTICE = v.variant("kind", [
  /** Conversations have entries up to these places; whether their members may be others now. */
  v.object({
    kind: v.literal("appended"),
    places: v.array(v.tuple([conversation, seqSchema, v.boolean()])),
  }),
  /** An agent has other sockets than before. */
  v.object({ kind: v.literal("sockets"), agent }),
  /** A socket lost its place to a newer one. */
  v.object({
    kind: v.literal("displaced"),
    connection,
    by: v.picklist(["evicted", "replaced"]),
  }),
  /** A conversation of an agent waits for its next socket. */
  v.object({ kind: v.literal("freed"), agent, conversation }),
  v.object({
    kind: v.literal("sessions-ended"),
    account,
    ended: endedSessions,
    reason: v.picklist(["logout", "device_removed", "password_changed", "refresh_reuse"]),
  }),
  /** Whether an agent's sockets may stay has to be looked at. */
  v.object({ kind: v.literal("agent-changed"), agent }),
  /** A reader lacks deltas from here on. */
  v.object({ kind: v.literal("stream-pull"), connection, account, stream, from: countSchema }),
  /** A reader is back and has so much of each stream. */
  v.object({
    kind: v.literal("streams-resume"),
    connection,
    account,
    have: v.record(v.string(), countSchema),
  }),
  v.object({
    kind: v.literal("stream-stop"),
    account,
    conversation,
    stream,
    reason: v.nullable(v.string()),
  }),
  /** A stream goes on at another node. */
  v.object({ kind: v.literal("stream-moved"), stream }),
]);
export type BusNotice = v.InferOutput<typeof NOTICE>;

const CARRIED = v.variant("kind", [
  v.object({
    kind: v.literal("frame"),
    to: v.array(account),
    frame: v.unknown(),
    except: v.nullable(connection),
    droppable: v.boolean(),
  }),
  v.object({ kind: v.literal("reply"), connection, frame: v.unknown() }),
]);

const ENVELOPE = v.object({ from: node, message: v.unknown() });

/** Text of a message; `from` names the node it comes from. */
export const encodeBusMessage = (from: string, message: BusMessage): string =>
  JSON.stringify({ from, message });

/** The message in a text and the node it came from. Fails as parsing a frame does. */
export function parseBusMessage(
  text: string,
): Result<{ readonly from: string; readonly message: BusMessage }, ProtocolFailure> {
  const json = parseJson(text);
  if (!json.ok) return json;
  const envelope = parseShape(ENVELOPE, json.value);
  if (!envelope.ok) return envelope;
  const { from } = envelope.value;
  const carried = v.safeParse(CARRIED, envelope.value.message);
  if (!carried.success) {
    const notice = parseShape(NOTICE, envelope.value.message);
    return notice.ok ? ok({ from, message: notice.value }) : err(notice.failure);
  }
  const frame = checkRelayFrame(carried.output.frame);
  return frame.ok
    ? ok({ from, message: { ...carried.output, frame: frame.value } })
    : err(frame.failure);
}
