/** What an agent remembers of a card it sent: its newest payload and revision, and who answered. Pure values. */
import * as v from "valibot";
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import { Artifact } from "#protocol/artifact.ts";

const ArtifactRecord = v.object({
  artifact: Artifact,
  revision: v.number(),
  messageId: v.string(),
  /** Answers taken so far, oldest first; `respond` decides how many there may be. */
  answers: v.array(v.object({ responseId: v.string(), by: v.string() })),
});
export type ArtifactRecord = v.InferOutput<typeof ArtifactRecord>;

/** The own table of the SDK in the agent's store. */
export const ARTIFACT_TABLE = "sdk.artifact";

export const artifactKey = (conversationId: string, artifactId: string): string =>
  `${conversationId}/${artifactId}`;

export const recordToBytes = (record: ArtifactRecord): Bytes => utf8(JSON.stringify(record));

/** The record of stored bytes, or null when they are of another version. */
export function bytesToRecord(bytes: Bytes | null): ArtifactRecord | null {
  const text = bytes === null ? null : utf8ToText(bytes);
  if (text === null) return null;
  const parsed = v.safeParse(ArtifactRecord, JSON.parse(text));
  return parsed.success ? parsed.output : null;
}
