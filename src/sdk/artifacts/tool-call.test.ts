import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { Artifact } from "#protocol/artifact.ts";
import type { ArtifactSender } from "./artifact-sender.ts";
import { createQuestions } from "./questions.ts";
import { callTool } from "./tool-call.ts";

test("[K44] a call that nobody answers ends after its time, and its card with it", async () => {
  const clock = createFakeClock();
  const startedAt = clock.now();
  const sent: Artifact[] = [];
  const send: ArtifactSender["send"] = async (_conversationId, artifact) => {
    sent.push(artifact);
    return {
      message_id: "m",
      client_message_id: "m",
      conversation_seq: 1,
      created_at: "",
      artifact_id: artifact.artifact_id ?? "",
      revision: 0,
    };
  };
  const artifacts = { send } as ArtifactSender;
  const parts = {
    clock,
    random: createSeededRandom(1),
    artifacts,
    questions: createQuestions(clock),
  };

  const asked = callTool(parts, "c", { tool: "clock_read", scope: "device:clock" });
  await clock.advance(60_000);

  expect(await asked).toEqual({ status: "denied", reason: "execution_timeout" });
  expect(sent).toMatchObject([
    {
      subtype: "tool_call",
      payload: { tool_name: "clock_read", arguments: {}, timeout_ms: 60_000 },
      expires_at: new Date(startedAt + 60_000).toISOString(),
    },
  ]);
});
