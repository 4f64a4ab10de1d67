/** What an agent remembers of a card it sent: its newest payload and revision, and who answered. Pure values. */
import * as v from "valibot";
import type { Bytes } from "#base/bytes.ts";
import { encodeRecord, parseRecord } from "#peer/json-record.ts";
import { Artifact } from "#protocol/artifact.ts";

const ArtifactRecord = v.object({
  artifact: Artifact,
  revision: v.number(),
  messageId: v.string(),
  /** Hash of the card's opened record, base64: what a decision on it is signed over. Null until it was sealed and stored. */
  requestHash: v.nullable(v.string()),
  /** Answers taken so far, oldest first; `respond` decides how many there may be. */
  answers: v.array(
    v.object({
      responseId: v.string(),
      by: v.string(),
      /** Requests for a decision: what this member said. */
      decision: v.optional(v.picklist(["approve", "deny"])),
      /** Votes: for which option. */
      optionId: v.optional(v.string()),
    }),
  ),
});
export type ArtifactRecord = v.InferOutput<typeof ArtifactRecord>;

/** The SDK's own table in the agent's store. */
export const ARTIFACT_TABLE = "sdk.artifact";

export const artifactKey = (conversationId: string, artifactId: string): string =>
  `${conversationId}/${artifactId}`;

export const recordToBytes = (record: ArtifactRecord): Bytes => encodeRecord(record);

/** The record of stored bytes, or null when there is none of this version. */
export const bytesToRecord = (bytes: Bytes | null): ArtifactRecord | null =>
  parseRecord(ArtifactRecord, bytes);
