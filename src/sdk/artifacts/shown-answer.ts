/** An answer as a card of its own, for those who did not see the question or for a record of what was said. */
import { parseCard, type Artifact, type ResponseCard } from "#protocol/artifact.ts";
import type { ArtifactResponseEvent } from "../incoming/agent-event.ts";

/** The card of an answer. Of a secret only its length is in it. */
export function shownAnswer(answer: ArtifactResponseEvent, title: string): Artifact {
  const { artifact, ref_artifact, ref_action, values } = answer;
  const card = parseCard(artifact.subtype, artifact.payload);
  const fields = card.ok && card.value.subtype === "form" ? card.value.payload.fields : [];
  const secrets = new Set(fields.flatMap(({ id, type }) => (type === "secret" ? [id] : [])));
  const payload: ResponseCard = {
    ref_artifact,
    ref_action,
    values: Object.fromEntries(
      Object.entries(values).map(([id, value]) => [
        id,
        secrets.has(id) ? { secret_length: typeof value === "string" ? value.length : 0 } : value,
      ]),
    ),
  };
  return { subtype: "response", title, payload };
}
