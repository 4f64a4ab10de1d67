/** Answers to cards: checked by the card's own rules before they leave, once, and only by who may. */
import { bytesToBase64 } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import { fingerprint } from "#crypto/identity.ts";
import { sealSecret } from "#crypto/secret-seal.ts";
import {
  ToolResponseCard,
  TOOL_RESULT_ACTION,
  type Artifact,
  type Card,
} from "#protocol/artifact.ts";
import { checkFormValues, textOfSecret } from "#protocol/form-values.ts";
import { makeId, type AccountId, type ArtifactId, type ConversationId } from "#protocol/ids.ts";
import { votedFor } from "#protocol/vote-card.ts";
import type { ArtifactResponsePayload } from "#protocol/payload.ts";
import type { Entry } from "#peer/endpoint.ts";
import * as v from "valibot";
import { makeDecision } from "./approvals.ts";
import type { EngineFailure } from "./failure.ts";
import { scanLog } from "./log-scan.ts";
import { mayWrite } from "./relay-carrier.ts";
import { putRecord, TABLE } from "./records.ts";
import type { Session } from "./session.ts";
import { canAnswer, foldArtifact, type FoldedArtifact } from "./thread/artifact.ts";
import { meaningOf, type Row } from "./thread/row.ts";
import { formDraftKey } from "./view-context.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;
type OfArtifact = { readonly conversationId: ConversationId; readonly artifactId: ArtifactId };
type Values = Readonly<Record<string, unknown>>;

/** Keeps a form's unsent values over reloads; secrets are left out. */
export async function saveFormDraft(
  { store, formDrafts }: Session,
  { conversationId, artifactId, values }: OfArtifact & { readonly values: Values },
): Answer<null> {
  const key = formDraftKey(conversationId, artifactId);
  const kept = Object.fromEntries(Object.entries(values).filter(([, value]) => !isSecret(value)));
  formDrafts.set(key, kept);
  return store.commit({ puts: [putRecord(TABLE.formDrafts, key, kept)] });
}

/**
 * Sends an answer.
 *
 * Fails with `engine/unknown-artifact`, `engine/answer-refused`, `engine/bad-answer`, `engine/secret-unavailable`.
 */
export async function answerArtifact(
  session: Session,
  input: OfArtifact & { readonly actionId: string; readonly values: Values },
): Answer<null> {
  const { conversationId, artifactId, actionId, values } = input;
  const found = await answerable(session, input);
  if (!found.ok) return found;
  const { row, folded } = found.value;
  const bad = problemsOf(folded.card, actionId, values);
  if (bad !== null) return err(bad);
  const responseId = makeId(session.deps.clock.now(), session.deps.random);
  const place = { conversationId, artifactId, responseId, agentId: row.authorId };
  const sealed = await sealSecrets(session, place, values);
  if (!sealed.ok) return sealed;
  return say(session, conversationId, artifactId, {
    type: "artifact_response",
    response_id: responseId,
    ref_artifact: artifactId,
    ref_revision: folded.revision,
    ref_action: actionId,
    values: sealed.value,
  });
}

/** Signs and sends a decision on an approval; see `makeDecision` for what it fails with. */
export async function decideApproval(
  session: Session,
  input: OfArtifact & {
    readonly optionId: string;
    readonly reason: string;
    readonly despiteUnverified: boolean;
  },
): Answer<null> {
  const { conversationId, artifactId } = input;
  const found = await answerable(session, input);
  if (!found.ok) return found;
  const { row, folded } = found.value;
  if (folded.card.subtype !== "approval") return err({ kind: "engine/unknown-artifact" });
  const request = { row, card: folded.card.payload, artifactId };
  const decision = await makeDecision(session, conversationId, request, input);
  return decision.ok ? say(session, conversationId, artifactId, decision.value) : decision;
}

const isSecret = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "secret" in value;

/** The values as they may lie in an outbox and a log: secrets sealed to the agent alone, empty ones left out. */
async function sealSecrets(
  { endpoint, deps, selfId }: Session,
  place: OfArtifact & { readonly responseId: string; readonly agentId: AccountId },
  values: Values,
): Answer<Values> {
  const sealed: Record<string, unknown> = {};
  for (const [fieldId, value] of Object.entries(values)) {
    const text = textOfSecret(value);
    if (text === null) sealed[fieldId] = value;
    if (text === null || text === "") continue;
    const agent = await endpoint.account(place.agentId);
    if (!agent.ok) return agent;
    const { bootstrapKey, identityKey } = agent.value;
    if (bootstrapKey === null) return err({ kind: "engine/secret-unavailable" });
    const bytes = await sealSecret(
      deps.primitives,
      {
        ...place,
        senderId: selfId,
        fieldId,
        agentFingerprint: fingerprint(deps.primitives, place.agentId, identityKey),
      },
      bootstrapKey,
      text,
    );
    if (!bytes.ok) return err({ kind: "engine/secret-unavailable" });
    sealed[fieldId] = { secret: bytesToBase64(bytes.value) };
  }
  return ok(sealed);
}

function problemsOf(card: Card, actionId: string, values: Values): EngineFailure | null {
  if (card.subtype === "tool_call") {
    const isResult =
      actionId === TOOL_RESULT_ACTION &&
      v.is(ToolResponseCard, values) &&
      values.call_id === card.payload.call_id;
    return isResult ? null : { kind: "engine/bad-answer", count: 1 };
  }
  if (card.subtype === "app") {
    const isVote = votedFor(card.payload, { ref_action: actionId, values }) !== null;
    return isVote ? null : { kind: "engine/bad-answer", count: 1 };
  }
  if (card.subtype !== "form" || actionId === "cancel") return null;
  const asked = new Set(
    card.payload.fields.flatMap((one) => (one.type === "secret" ? one.id : [])),
  );
  const stray = Object.entries(values).filter(([id, value]) => isSecret(value) && !asked.has(id));
  if (stray.length > 0) return { kind: "engine/bad-answer", count: stray.length };
  const count = Object.keys(checkFormValues(card.payload.fields, values)).length;
  return count === 0 ? null : { kind: "engine/bad-answer", count };
}

async function say(
  session: Session,
  conversationId: ConversationId,
  artifactId: ArtifactId,
  payload: ArtifactResponsePayload,
): Answer<null> {
  const key = formDraftKey(conversationId, artifactId);
  const sent = await session.endpoint.send(conversationId, payload, {
    alongside: { deletes: [{ table: TABLE.formDrafts, key }] },
  });
  if (!sent.ok) return sent;
  session.formDrafts.delete(key);
  return ok(null);
}

async function answerable(
  session: Session,
  { conversationId, artifactId }: OfArtifact,
): Answer<{ readonly row: Row; readonly folded: FoldedArtifact }> {
  const allowed = mayWrite(session, conversationId);
  if (!allowed.ok) return allowed;
  const found = await findArtifact(session, conversationId, artifactId);
  if (found === null) return err({ kind: "engine/unknown-artifact" });
  const { row, artifact, changes } = found;
  const { selfId, endpoint, deps } = session;
  const own = endpoint
    .outgoing()
    .filter(
      ({ payload }) => payload.type === "artifact_response" && payload.ref_artifact === artifactId,
    );
  const folded = foldArtifact(artifact, row.authorId, changes, own, selfId, deps.clock.now());
  return row.authorId !== selfId && canAnswer(folded, selfId)
    ? ok({ row, folded })
    : err({ kind: "engine/answer-refused" });
}

/** The card and all that changed it, from the log: an answer does not depend on what a page has loaded. */
async function findArtifact(
  { store }: Session,
  conversationId: ConversationId,
  artifactId: ArtifactId,
): Promise<{
  readonly row: Row;
  readonly artifact: Artifact;
  readonly changes: readonly Entry[];
} | null> {
  const changes: Entry[] = [];
  for await (const entry of scanLog(store, conversationId)) {
    const meaning = meaningOf(entry);
    if (meaning.kind === "change" && meaning.change.target === artifactId) changes.unshift(entry);
    if (meaning.kind !== "row" || meaning.row.body.kind !== "payload") continue;
    const { payload } = meaning.row.body;
    if (payload.type !== "artifact") continue;
    if ((payload.artifact.artifact_id ?? meaning.row.id) === artifactId)
      return { row: meaning.row, artifact: payload.artifact, changes };
  }
  return null;
}
