/**
 * Cards an agent draws in a thread (progress, form, approval …) and the answers people give. SPEC §6.
 * The same field checks run in the client before an answer is sent and in the SDK before a handler sees it.
 */
import * as v from "valibot";
import { err, ok, type Result } from "#base/result.ts";
import { utf8 } from "#base/bytes.ts";
import type { ProtocolFailure } from "./failure.ts";
import { MAX_ARTIFACT_PAYLOAD_BYTES, MAX_TITLE_CHARACTERS } from "./limits.ts";
import { Field } from "./artifact-field.ts";
import { Blocks } from "./blocks.ts";
import { MediaCard } from "./media-card.ts";
import { VoteCard } from "./vote-card.ts";

const Id = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const Line = v.pipe(v.string(), v.maxLength(MAX_TITLE_CHARACTERS));
const Paragraph = v.pipe(v.string(), v.maxLength(10_000));
const Whole = v.pipe(v.number(), v.integer(), v.minValue(0));

export const Action = v.object({
  id: Id,
  label: Line,
  style: v.optional(v.picklist(["primary", "secondary", "danger"])),
  url: v.optional(v.pipe(v.string(), v.maxLength(2_048))),
});
export type Action = v.InferOutput<typeof Action>;

export const InfoCard = v.object({
  body: v.pipe(v.string(), v.maxLength(60_000)),
  icon: v.optional(v.pipe(v.string(), v.maxLength(64))),
  tone: v.optional(v.picklist(["neutral", "info", "success", "warning", "danger"])),
  fields: v.optional(v.pipe(v.array(v.object({ label: Line, value: Paragraph })), v.maxLength(40))),
  actions: v.optional(v.pipe(v.array(Action), v.maxLength(8))),
  blocks: v.optional(Blocks),
});
export const FormCard = v.object({
  description: v.optional(Paragraph),
  fields: v.pipe(
    v.array(Field),
    v.minLength(1),
    v.maxLength(40),
    v.check((fields) => new Set(fields.map((field) => field.id)).size === fields.length),
  ),
  submit_label: v.optional(Line),
  cancel_label: v.optional(Line),
  blocks: v.optional(Blocks),
});
export const PROGRESS_STATUSES = [
  "pending",
  "starting",
  "running",
  "paused",
  "done",
  "failed",
  "cancelled",
] as const;
export const ProgressCard = v.object({
  percent: v.optional(v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(100))), null),
  status: v.optional(v.picklist(PROGRESS_STATUSES)),
  eta_s: v.optional(v.pipe(v.number(), v.minValue(0))),
  message: v.optional(Paragraph),
  steps: v.optional(
    v.pipe(
      v.array(v.object({ id: Id, label: Line, status: v.picklist(PROGRESS_STATUSES) })),
      v.maxLength(32),
    ),
  ),
  cancellable: v.optional(v.boolean()),
});
export const ApprovalCard = v.object({
  action: Line,
  summary: Paragraph,
  details: v.pipe(
    v.array(
      v.object({
        label: Line,
        value: v.pipe(v.string(), v.maxLength(60_000)),
        kind: v.picklist(["text", "code", "diff", "json", "command"]),
        lang: v.optional(v.pipe(v.string(), v.maxLength(30))),
      }),
    ),
    v.maxLength(40),
  ),
  request: v.unknown(),
  risk: v.picklist(["low", "medium", "high", "critical"]),
  options: v.pipe(
    v.array(
      v.object({
        id: Id,
        label: Line,
        decision: v.picklist(["approve", "deny"]),
        requires_reason: v.optional(v.boolean()),
      }),
    ),
    v.minLength(2),
    v.maxLength(5),
  ),
  expires_at: v.pipe(v.string(), v.isoTimestamp()),
  nonce: v.pipe(v.string(), v.maxLength(32)),
  digest: v.pipe(v.string(), v.maxLength(64)),
  editable: v.optional(v.pipe(v.array(Id), v.maxLength(40))),
  quorum: v.optional(
    v.pipe(
      v.object({
        required: v.pipe(Whole, v.minValue(1)),
        approvers: v.pipe(v.array(Id), v.minLength(1), v.maxLength(64)),
      }),
      v.check(({ required, approvers }) => new Set(approvers).size >= required),
    ),
  ),
});
export const ToolCallCard = v.object({
  call_id: Id,
  tool_name: Line,
  arguments: v.unknown(),
  permission_scope: v.optional(Line),
  timeout_ms: v.optional(Whole),
});
export const ToolResponseCard = v.object({
  call_id: Id,
  status: v.picklist(["ok", "error", "denied"]),
  result: v.optional(v.unknown()),
  error: v.optional(v.object({ code: Line, message: Paragraph })),
  reason: v.optional(Line),
  duration_ms: v.optional(v.number()),
});
/** The action of an answer that brings a tool's result; its `values` are a tool response. */
export const TOOL_RESULT_ACTION = "tool_result";
export const ReplyCard = v.object({
  body: v.pipe(v.string(), v.maxLength(60_000)),
  sections: v.optional(v.array(v.object({ heading: Line, body: Paragraph }))),
  suggestions: v.optional(v.pipe(v.array(v.object({ id: Id, label: Line })), v.maxLength(6))),
  sources: v.optional(
    v.array(v.object({ title: Line, url: v.optional(v.string()), attachment_id: v.optional(Id) })),
  ),
});
/** An answer shown again: `values` as they were given, secrets as `{ secret_length }`. */
export const ResponseCard = v.object({
  ref_artifact: Id,
  ref_action: Id,
  values: v.optional(v.record(v.string(), v.unknown()), {}),
});

export type InfoCard = v.InferOutput<typeof InfoCard>;
export type FormCard = v.InferOutput<typeof FormCard>;
export type ProgressCard = v.InferOutput<typeof ProgressCard>;
export type ProgressStatus = (typeof PROGRESS_STATUSES)[number];
export type ApprovalCard = v.InferOutput<typeof ApprovalCard>;
export type ToolCallCard = v.InferOutput<typeof ToolCallCard>;
export type ToolResponseCard = v.InferOutput<typeof ToolResponseCard>;
export type ReplyCard = v.InferOutput<typeof ReplyCard>;
export type ResponseCard = v.InferOutput<typeof ResponseCard>;

/** A card's payload after its subtype's check; a subtype this version does not know keeps only title and summary. */
export type Card =
  | { readonly subtype: "info"; readonly payload: InfoCard }
  | { readonly subtype: "reply"; readonly payload: ReplyCard }
  | { readonly subtype: "form"; readonly payload: FormCard }
  | { readonly subtype: "progress"; readonly payload: ProgressCard }
  | { readonly subtype: "approval"; readonly payload: ApprovalCard }
  | { readonly subtype: "tool_call"; readonly payload: ToolCallCard }
  | { readonly subtype: "tool_response"; readonly payload: ToolResponseCard }
  | { readonly subtype: "response"; readonly payload: ResponseCard }
  | { readonly subtype: "media"; readonly payload: MediaCard }
  | { readonly subtype: "app"; readonly payload: VoteCard }
  | { readonly subtype: "unknown"; readonly original_subtype: string };

const CARD_SCHEMAS = {
  info: InfoCard,
  reply: ReplyCard,
  form: FormCard,
  progress: ProgressCard,
  approval: ApprovalCard,
  tool_call: ToolCallCard,
  tool_response: ToolResponseCard,
  response: ResponseCard,
  media: MediaCard,
  app: VoteCard,
} as const;

export const Artifact = v.object({
  artifact_id: v.optional(Id),
  subtype: v.pipe(v.string(), v.minLength(1), v.maxLength(32)),
  title: Line,
  payload: v.pipe(
    v.record(v.string(), v.unknown()),
    v.check((payload) => utf8(JSON.stringify(payload)).length <= MAX_ARTIFACT_PAYLOAD_BYTES),
  ),
  summary: v.optional(Paragraph),
  forwardable: v.optional(v.boolean()),
  expires_at: v.optional(v.pipe(v.string(), v.isoTimestamp())),
  respond: v.optional(v.picklist(["once", "once_per_member", "many"])),
  responders: v.optional(v.pipe(v.array(Id), v.maxLength(64))),
});
export type Artifact = v.InferOutput<typeof Artifact>;

export const ArtifactUpdate = v.object({
  ref_artifact: Id,
  based_on_revision: Whole,
  artifact: v.object({ title: v.optional(Line), payload: v.record(v.string(), v.unknown()) }),
});
export type ArtifactUpdate = v.InferOutput<typeof ArtifactUpdate>;

export const ArtifactResponse = v.object({
  response_id: Id,
  ref_artifact: Id,
  ref_revision: v.optional(Whole, 0),
  ref_action: Id,
  values: v.optional(v.record(v.string(), v.unknown()), {}),
  decision: v.optional(
    v.object({
      option_id: Id,
      reason: v.optional(Paragraph),
      edits: v.optional(v.record(v.string(), v.unknown())),
      approval: v.string(),
    }),
  ),
});
export type ArtifactResponse = v.InferOutput<typeof ArtifactResponse>;

/**
 * The card of an artifact's subtype and payload.
 *
 * Fails with `protocol/bad-artifact` (`path`: the wrong member). An unknown subtype is no failure.
 * Source: SPEC P202–P211.
 */
export function parseCard(subtype: string, payload: unknown): Result<Card, ProtocolFailure> {
  if (!Object.hasOwn(CARD_SCHEMAS, subtype))
    return ok({ subtype: "unknown", original_subtype: subtype });
  const ui = subtype === "app" ? uiOf(payload) : null;
  if (ui !== null && ui !== "vote_card")
    return ok({ subtype: "unknown", original_subtype: `app ${ui}`.slice(0, 64) });
  const known = subtype as keyof typeof CARD_SCHEMAS;
  const checked = v.safeParse(CARD_SCHEMAS[known], payload);
  if (!checked.success)
    return err({ kind: "protocol/bad-artifact", path: v.getDotPath(checked.issues[0]) ?? "" });
  return ok({ subtype: known, payload: checked.output } as Card);
}

/** Which screen an app card asks for; null where it names none. */
function uiOf(payload: unknown): string | null {
  const named = v.safeParse(v.object({ ui: v.string() }), payload);
  return named.success ? named.output.ui : null;
}

/**
 * An artifact's payload after an update: given keys replace, `null` deletes, and the whole is checked again.
 *
 * Fails with `protocol/revision-conflict` (based on another revision) and `protocol/bad-artifact`; the artifact stays as it was.
 * Source: SPEC P219, P220.
 */
export function applyUpdate(
  current: { readonly artifact: Artifact; readonly revision: number },
  update: ArtifactUpdate,
): Result<{ readonly artifact: Artifact; readonly revision: number }, ProtocolFailure> {
  if (update.based_on_revision !== current.revision)
    return err({ kind: "protocol/revision-conflict", current_revision: current.revision });
  const merged = Object.fromEntries(
    Object.entries({ ...current.artifact.payload, ...update.artifact.payload }).filter(
      ([, value]) => value !== null,
    ),
  );
  const artifact = {
    ...current.artifact,
    ...(update.artifact.title === undefined ? {} : { title: update.artifact.title }),
    payload: merged,
  };
  const card = parseCard(artifact.subtype, merged);
  return card.ok ? ok({ artifact, revision: current.revision + 1 }) : card;
}
