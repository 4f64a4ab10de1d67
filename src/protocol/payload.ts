/**
 * The plaintext inside an envelope: one JSON object whose `type` says what it is.
 * A known type with a wrong shape is refused; an unknown type is kept as it came. SPEC §4.
 */
import * as v from "valibot";
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Artifact, ArtifactResponse, ArtifactUpdate } from "./artifact.ts";
import type { ProtocolFailure } from "./failure.ts";
import {
  HANDLE,
  MAX_FILES_PER_MESSAGE,
  MAX_MENTIONS,
  MAX_PAYLOAD_BYTES,
  MAX_PREVIEW_CHARACTERS,
  MAX_TEXT_UNITS,
  MAX_TITLE_CHARACTERS,
} from "./limits.ts";
import { parseJson } from "./parse.ts";
import { dialectToPayload } from "./dialects/hashee-content.ts";

const Id = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const Text = v.pipe(v.string(), v.maxLength(MAX_TEXT_UNITS));

/** A quoted message: `preview_text` is the author's word for it and counts only when the original is missing. */
export const Ref = v.object({
  message_id: Id,
  sender_id: Id,
  // Over-long previews from older senders are cut, not refused.
  preview_text: v.pipe(
    v.string(),
    v.maxLength(2_000),
    v.transform((text) => text.slice(0, MAX_PREVIEW_CHARACTERS)),
  ),
});
export type Ref = v.InferOutput<typeof Ref>;

/** What an encrypted file is called and how it opens; the key never leaves the envelope. */
export const Attachment = v.object({
  attachment_id: Id,
  file_key: v.string(),
  cipher: v.literal("parley-file-v1"),
  size: v.pipe(v.number(), v.integer(), v.minValue(0)),
  sha256: v.string(),
  mime: v.pipe(v.string(), v.maxLength(200)),
  filename: v.optional(v.pipe(v.string(), v.maxLength(255))),
  width: v.optional(v.number()),
  height: v.optional(v.number()),
  duration_s: v.optional(v.number()),
});
export type Attachment = v.InferOutput<typeof Attachment>;

const shared = {
  mentions: v.optional(v.pipe(v.array(Id), v.maxLength(MAX_MENTIONS))),
  mention_all: v.optional(v.boolean()),
  reply_to: v.optional(Ref),
  hop_count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
  repeat_of: v.optional(Id),
  attachments: v.optional(v.pipe(v.array(Attachment), v.maxLength(MAX_FILES_PER_MESSAGE))),
  /** The message closes this stream: how many deltas there were, and their running hash (base64). */
  stream: v.optional(v.object({ stream_id: Id, count: v.number(), hash: v.string() })),
};

export const TextPayload = v.object({
  type: v.literal("text"),
  text: Text,
  markdown: v.optional(v.boolean()),
  ...shared,
});
export const ImagePayload = v.object({
  type: v.literal("image"),
  attachment_id: Id,
  alt: v.optional(v.pipe(v.string(), v.maxLength(1_000))),
  thumbnail: v.optional(v.pipe(v.string(), v.maxLength(100))),
  ...shared,
});
export const VideoPayload = v.object({
  type: v.literal("video"),
  attachment_id: Id,
  thumbnail: v.optional(v.pipe(v.string(), v.maxLength(100))),
  duration_s: v.optional(v.number()),
  ...shared,
});
export const AudioPayload = v.object({
  type: v.literal("audio"),
  attachment_id: Id,
  duration_s: v.optional(v.number()),
  transcript: v.optional(Text),
  ...shared,
});
export const FilePayload = v.object({
  type: v.literal("file"),
  attachment_id: Id,
  filename: v.pipe(v.string(), v.maxLength(255)),
  mime: v.pipe(v.string(), v.maxLength(200)),
  size: v.number(),
  ...shared,
});
const MAX_URL_UNITS = 2_048;
const Fingerprint = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));

/** A link with a preview made by its sender: receivers fetch nothing. */
export const LinkPayload = v.object({
  type: v.literal("link"),
  url: v.pipe(v.string(), v.maxLength(MAX_URL_UNITS)),
  title: v.optional(v.pipe(v.string(), v.maxLength(MAX_TITLE_CHARACTERS))),
  description: v.optional(v.pipe(v.string(), v.maxLength(1_000))),
  thumbnail: v.optional(v.pipe(v.string(), v.maxLength(100))),
  ...shared,
});
/** Who somebody is, in their sender's words; a fingerprint (base64url) or a whole invite link is what a key is held against. */
export const ContactPayload = v.object({
  type: v.literal("contact"),
  contact: v.object({
    kind: v.picklist(["user", "agent", "group"]),
    id: Id,
    display_name: v.pipe(v.string(), v.maxLength(64)),
    handle: v.optional(v.pipe(v.string(), v.regex(HANDLE))),
    fingerprint: v.optional(Fingerprint),
    invite_url: v.optional(v.pipe(v.string(), v.maxLength(MAX_URL_UNITS))),
  }),
  ...shared,
});
export const ArtifactPayload = v.object({
  type: v.literal("artifact"),
  artifact: Artifact,
  ...shared,
});
export const ArtifactUpdatePayload = v.object({
  type: v.literal("artifact_update"),
  ...ArtifactUpdate.entries,
  ...shared,
});
export const ArtifactResponsePayload = v.object({
  type: v.literal("artifact_response"),
  ...ArtifactResponse.entries,
  ...shared,
});
export const ReactionPayload = v.object({
  type: v.literal("reaction"),
  message_id: Id,
  emoji: v.pipe(v.string(), v.minLength(1), v.maxLength(32)),
  op: v.picklist(["add", "remove"]),
});
export const RecallPayload = v.object({ type: v.literal("recall"), message_id: Id });
export const StreamPayload = v.object({
  type: v.literal("stream"),
  stream_id: Id,
  key: v.string(),
});
export const ProfilePayload = v.object({
  type: v.literal("profile"),
  name: v.pipe(v.string(), v.maxLength(200)),
  description: v.optional(v.pipe(v.string(), v.maxLength(1_000))),
  avatar: v.optional(Attachment),
});
export const SystemPayload = v.object({
  type: v.literal("system"),
  event: v.object({
    name: v.pipe(v.string(), v.maxLength(100)),
    text: v.optional(v.pipe(v.string(), v.maxLength(500))),
    params: v.optional(v.record(v.string(), v.unknown())),
  }),
  ...shared,
});

const KnownPayload = v.variant("type", [
  TextPayload,
  ImagePayload,
  VideoPayload,
  AudioPayload,
  FilePayload,
  LinkPayload,
  ContactPayload,
  ArtifactPayload,
  ArtifactUpdatePayload,
  ArtifactResponsePayload,
  ReactionPayload,
  RecallPayload,
  StreamPayload,
  ProfilePayload,
  SystemPayload,
]);
const KNOWN_TYPES: ReadonlySet<unknown> = new Set(
  KnownPayload.options.map((option) => option.entries.type.literal),
);

export type TextPayload = v.InferOutput<typeof TextPayload>;
export type ContactPayload = v.InferOutput<typeof ContactPayload>;
export type ArtifactPayload = v.InferOutput<typeof ArtifactPayload>;
export type ArtifactUpdatePayload = v.InferOutput<typeof ArtifactUpdatePayload>;
export type ArtifactResponsePayload = v.InferOutput<typeof ArtifactResponsePayload>;
/** Kept and shown as "not supported by this version"; never sent. */
export type UnknownPayload = {
  readonly type: "unknown";
  readonly original_type: string;
  readonly raw: unknown;
};
export type KnownPayload = v.InferOutput<typeof KnownPayload>;
export type Payload = KnownPayload | UnknownPayload;

/**
 * The payload of opened bytes.
 *
 * Fails with `protocol/bad-payload` (not JSON, over a guard, or a known type with a wrong member; `path` names it).
 * Source: SPEC P173–P189, P193.
 */
export function parsePayload(bytes: Uint8Array): Result<Payload, ProtocolFailure> {
  const text = bytes.length <= MAX_PAYLOAD_BYTES ? utf8ToText(bytes) : null;
  if (text === null) return err({ kind: "protocol/bad-payload", path: "" });
  const json = parseJson(text);
  if (!json.ok) return err({ kind: "protocol/bad-payload", path: "" });
  return checkPayload(json.value);
}

/** The payload of a plain value, as {@link parsePayload} does it for bytes. */
export function checkPayload(value: unknown): Result<Payload, ProtocolFailure> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return err({ kind: "protocol/bad-payload", path: "" });
  const mapped = dialectToPayload(value as Record<string, unknown>);
  const type = mapped["type"];
  if (typeof type !== "string") return err({ kind: "protocol/bad-payload", path: "type" });
  if (!KNOWN_TYPES.has(type))
    return ok({ type: "unknown", original_type: type.slice(0, 64), raw: mapped });
  const checked = v.safeParse(KnownPayload, mapped);
  if (checked.success) return ok(checked.output);
  return err({ kind: "protocol/bad-payload", path: v.getDotPath(checked.issues[0]) ?? "" });
}

/**
 * The bytes that are sealed.
 *
 * Fails with `protocol/bad-payload` (does not pass its own schema) and `protocol/too-large` (over MAX_PAYLOAD_BYTES).
 */
export function encodePayload(payload: KnownPayload): Result<Bytes, ProtocolFailure> {
  const checked = checkPayload(payload);
  if (!checked.ok) return checked;
  const bytes = utf8(JSON.stringify(payload));
  return bytes.length <= MAX_PAYLOAD_BYTES
    ? ok(bytes)
    : err({ kind: "protocol/too-large", limit: MAX_PAYLOAD_BYTES });
}
