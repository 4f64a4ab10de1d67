import { expect, test } from "vitest";
import { parseCard } from "#protocol/artifact.ts";
import { shownAnswer } from "./shown-answer.ts";

test("[K43] a shown answer holds what was given and of a secret only its length", () => {
  const answer = {
    type: "artifact_response" as const,
    conversation_id: "c",
    conversation_seq: 3,
    created_at: "2026-01-01T00:00:00.000Z",
    message_id: "m",
    sender_id: "ada",
    response_id: "r",
    ref_artifact: "form",
    ref_revision: 0,
    ref_action: "submit",
    values: { name: "Ada", pin: "1234" },
    artifact: {
      subtype: "form",
      title: "Door",
      payload: {
        fields: [
          { id: "name", label: "Name", type: "text" },
          { id: "pin", label: "Pin", type: "secret" },
        ],
      },
    },
  };

  const shown = shownAnswer(answer, "What Ada said");

  expect(shown).toEqual({
    subtype: "response",
    title: "What Ada said",
    payload: {
      ref_artifact: "form",
      ref_action: "submit",
      values: { name: "Ada", pin: { secret_length: 4 } },
    },
  });
  expect(parseCard(shown.subtype, shown.payload).ok).toBe(true);
});
