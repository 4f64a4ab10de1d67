/** What the entries of a log mean for a thread: rows that are drawn, and changes that hang on a row. Pure. */
import type { Payload } from "#protocol/payload.ts";
import type { AccountId, MessageId, StreamId } from "#protocol/ids.ts";
import type { Entry, Missing } from "#peer/endpoint.ts";
import { BEFORE_DEVICE } from "#peer/entry-maker.ts";

/** One drawn row. Recalls, reactions, revisions and answers are not in it: they are looked up by its ids. */
export type Row = {
  readonly id: MessageId;
  readonly seq: number;
  readonly at: number;
  readonly authorId: AccountId;
  readonly authorKind: "human" | "agent" | "system";
  /** What its author sealed just before it is not here. */
  readonly hasGapBefore: boolean;
  readonly body:
    | {
        readonly kind: "payload";
        readonly payload: Payload;
        readonly messageHash: string;
        readonly plaintextHash: string;
      }
    | { readonly kind: "stream"; readonly streamId: StreamId }
    | { readonly kind: "unreadable"; readonly failure: string }
    /** So many messages before it, signed by their author to have been sent, are not here. */
    | { readonly kind: "missing"; readonly count: number }
    /** Recalled, and its words are not on this disk any more. */
    | { readonly kind: "gone" }
    | {
        readonly kind: "system";
        readonly event: string;
        readonly text: string;
        readonly params: Readonly<Record<string, string>>;
      };
};

/** A durable change of something else. `target` is a message's, artifact's or stream's id. */
export type Change = { readonly target: string; readonly entry: Entry };

export type Meaning =
  | { readonly kind: "row"; readonly row: Row }
  | { readonly kind: "change"; readonly change: Change }
  /** A recall: a change of its message, and its only trace where the message itself is not here. */
  | { readonly kind: "recall"; readonly change: Change; readonly row: Row }
  | { readonly kind: "nothing" };

/** Ids of rows that are no message: the page needs one for every row. */
export const idOfSeq = (seq: number): MessageId => `seq-${seq}` as MessageId;

/** The seq of such an id, or null. */
export const seqOfId = (id: MessageId): number | null =>
  /^seq-[0-9]{1,15}$/.test(id) ? Number(id.slice(4)) : null;

/** The row of what is known to be missing; it stands behind what came before it was noticed. */
export const rowOfMissing = ({ sessionId, afterSeq, at, authorId, count }: Missing): Row => ({
  id: `missing-${sessionId}` as MessageId,
  seq: afterSeq,
  at,
  authorId,
  // Nothing was said here: no badge, no announcement.
  authorKind: "system",
  hasGapBefore: false,
  body: { kind: "missing", count },
});

const NOTHING: Meaning = { kind: "nothing" };

/** What one entry of the log is. */
export function meaningOf(entry: Entry): Meaning {
  const { content } = entry;
  switch (content.kind) {
    case "message":
      return ofPayload(entry, content);
    case "recalled":
      return {
        kind: "recall",
        change: { target: content.messageId, entry },
        row: rowOf(entry, content.messageId, { kind: "gone" }),
      };
    case "unreadable":
      // Nobody meant it for this device; one line at the thread's top says so for all of them.
      if (content.failure === BEFORE_DEVICE) return NOTHING;
      return row(entry, content.messageId, { kind: "unreadable", failure: content.failure });
    case "stream-ended":
      return { kind: "change", change: { target: content.streamId, entry } };
    case "ledger":
      return LEDGER_ROWS.has(content.op)
        ? system(entry, `member.${content.op}`, {
            actor: content.actorId,
            subject: content.subjectId,
          })
        : NOTHING;
    case "relation":
      return system(entry, `relation.${content.status}`, content.facts);
    case "other":
      return ofFrame(entry, content);
  }
}

/** What the relay alone says of a conversation, where a person would want to know. */
function ofFrame(
  entry: Entry,
  { frameType, facts }: Extract<Entry["content"], { readonly kind: "other" }>,
): Meaning {
  if (frameType === "system.group_key_rotated")
    return system(entry, "group.keys-renewed", { actor: facts["rotated_by"] ?? "" });
  if (frameType !== "message.pinned") return NOTHING;
  const event = facts["pinned"] === "true" ? "message.pinned" : "message.unpinned";
  return system(entry, event, { actor: facts["pinned_by"] ?? "" });
}

/** Changes of who can read: each is worth a line. The others only move keys about. */
const LEDGER_ROWS: ReadonlySet<string> = new Set([
  "add",
  "remove",
  "role",
  "device-add",
  "device-revoke",
  "close",
  "invite-policy",
]);

function ofPayload(
  entry: Entry,
  content: Extract<Entry["content"], { readonly kind: "message" }>,
): Meaning {
  const { payload, messageId, messageHash, plaintextHash } = content;
  const change = (target: string): Meaning => ({ kind: "change", change: { target, entry } });
  switch (payload.type) {
    case "reaction":
      return change(payload.message_id);
    case "artifact_update":
    case "artifact_response":
      return change(payload.ref_artifact);
    case "recall":
      // The relay's entry about it carries the change; the sealed word alone changes nothing.
      return NOTHING;
    case "stream":
      return row(entry, messageId, { kind: "stream", streamId: payload.stream_id as StreamId });
    case "profile":
      if (content.isByLead === false) return NOTHING;
      return payload.description === undefined && payload.avatar === undefined
        ? system(entry, "group.renamed", { name: payload.name })
        : system(entry, "group.profile", { actor: entry.authorId, name: payload.name });
    case "system":
      return row(entry, messageId, {
        kind: "system",
        // A member's word about itself must not look like what ledger or relay say.
        event: `said.${payload.event.name}`,
        text: payload.event.text ?? "",
        params: textsOf(payload.event.params ?? {}),
      });
    case "text":
    case "image":
    case "video":
    case "audio":
    case "file":
    case "link":
    case "contact":
    case "artifact":
    case "unknown":
      return row(entry, messageId, { kind: "payload", payload, messageHash, plaintextHash });
  }
}

const rowOf = (entry: Entry, id: MessageId, body: Row["body"]): Row => ({
  id,
  seq: entry.seq,
  at: entry.at,
  authorId: entry.authorId,
  authorKind: entry.authorKind,
  hasGapBefore: entry.content.kind === "message" && entry.content.gap,
  body,
});

const row = (entry: Entry, id: MessageId, body: Row["body"]): Meaning => ({
  kind: "row",
  row: rowOf(entry, id, body),
});

const system = (entry: Entry, event: string, params: Readonly<Record<string, string>>): Meaning =>
  row(entry, idOfSeq(entry.seq), { kind: "system", event, text: "", params });

const textsOf = (params: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) =>
      typeof value === "string" || typeof value === "number" ? [[name, String(value)]] : [],
    ),
  );
