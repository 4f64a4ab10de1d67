import { describe, expect, test } from "vitest";
import type { Artifact, ArtifactResponse } from "#protocol/artifact.ts";
import type { ArtifactRecord } from "./artifact-record.ts";
import { judgeAnswer } from "./judge-answer.ts";

const NOW = Date.UTC(2026, 0, 1);
const aRecord = (
  artifact: Partial<Artifact> & Pick<Artifact, "subtype" | "payload">,
): ArtifactRecord => ({
  artifact: { artifact_id: "card", title: "t", ...artifact },
  revision: 0,
  messageId: "m",
  requestHash: null,
  answers: [],
});
const anAnswer = (response: Partial<ArtifactResponse>, by = "alice", at = NOW) => ({
  by,
  at,
  response: {
    response_id: "r1",
    ref_artifact: "card",
    ref_revision: 0,
    ref_action: "ok",
    values: {},
    ...response,
  },
});
const form = aRecord({
  subtype: "form",
  payload: { fields: [{ id: "age", label: "Age", type: "number", required: true, min: 18 }] },
});
const info = aRecord({
  subtype: "info",
  payload: {
    body: "b",
    actions: [
      { id: "ok", label: "OK" },
      { id: "web", label: "Web", url: "https://x" },
    ],
  },
});

describe("an answer to a card", () => {
  test("[K15] counts when it fits, and is remembered", () => {
    expect(judgeAnswer(form, anAnswer({ ref_action: "submit", values: { age: 20 } }))).toEqual({
      type: "accept",
      record: { ...form, answers: [{ responseId: "r1", by: "alice" }] },
    });
    expect(judgeAnswer(form, anAnswer({ ref_action: "cancel" })).type).toBe("accept");
    expect(judgeAnswer(info, anAnswer({ ref_action: "ok" })).type).toBe("accept");
  });

  test("[K15] is refused when a field is wrong, an action unknown or the card nobody's", () => {
    const invalid = { type: "refuse", code: "ARTIFACT_INVALID" };

    expect(judgeAnswer(form, anAnswer({ ref_action: "submit", values: { age: 7 } }))).toEqual(
      invalid,
    );
    expect(judgeAnswer(form, anAnswer({ ref_action: "submit" }))).toEqual(invalid);
    expect(judgeAnswer(info, anAnswer({ ref_action: "other" }))).toEqual(invalid);
    expect(judgeAnswer(info, anAnswer({ ref_action: "web" }))).toEqual(invalid);
    expect(judgeAnswer(null, anAnswer({}))).toEqual(invalid);
  });

  test("[K15] is refused after the card's end and taken at it", () => {
    const card = aRecord({ ...info.artifact, expires_at: new Date(NOW).toISOString() });

    expect(judgeAnswer(card, anAnswer({})).type).toBe("accept");
    expect(judgeAnswer(card, anAnswer({}, "alice", NOW + 1))).toEqual({
      type: "refuse",
      code: "ARTIFACT_EXPIRED",
    });
  });

  test("[K15] is ignored when it repeats, comes late, or from somebody not asked", () => {
    const answered = { ...info, answers: [{ responseId: "r1", by: "alice" }] };
    const perMember = {
      ...answered,
      artifact: { ...info.artifact, respond: "once_per_member" as const },
    };
    const many = { ...answered, artifact: { ...info.artifact, respond: "many" as const } };
    const asked = aRecord({ ...info.artifact, responders: ["bob"] });

    expect(judgeAnswer(answered, anAnswer({}))).toEqual({ type: "ignore", because: "repeated" });
    expect(judgeAnswer(answered, anAnswer({ response_id: "r2" }, "bob"))).toEqual({
      type: "ignore",
      because: "late",
    });
    expect(judgeAnswer(perMember, anAnswer({ response_id: "r2" }))).toEqual({
      type: "ignore",
      because: "late",
    });
    expect(judgeAnswer(perMember, anAnswer({ response_id: "r2" }, "bob")).type).toBe("accept");
    expect(judgeAnswer(many, anAnswer({ response_id: "r2" })).type).toBe("accept");
    expect(judgeAnswer(asked, anAnswer({}))).toEqual({
      type: "ignore",
      because: "not-a-responder",
    });
  });

  test("[K15] to progress, suggestions, tools and approvals must be one the card offers", () => {
    const progress = (cancellable: boolean) =>
      aRecord({ subtype: "progress", payload: { percent: 1, cancellable } });
    const reply = aRecord({
      subtype: "reply",
      payload: { body: "b", suggestions: [{ id: "more", label: "More" }] },
    });
    const tool = aRecord({
      subtype: "tool_call",
      payload: { call_id: "card", tool_name: "t", arguments: {} },
    });
    const result = { call_id: "card", status: "ok" };
    const app = aRecord({ subtype: "app", payload: { ui: "vote_card" } });

    expect(judgeAnswer(progress(true), anAnswer({ ref_action: "cancel" })).type).toBe("accept");
    expect(judgeAnswer(progress(false), anAnswer({ ref_action: "cancel" })).type).toBe("refuse");
    expect(judgeAnswer(reply, anAnswer({ ref_action: "more" })).type).toBe("accept");
    expect(judgeAnswer(reply, anAnswer({ ref_action: "less" })).type).toBe("refuse");
    expect(judgeAnswer(tool, anAnswer({ ref_action: "tool_result", values: result })).type).toBe(
      "accept",
    );
    expect(judgeAnswer(tool, anAnswer({ ref_action: "tool_result" })).type).toBe("refuse");
    expect(judgeAnswer(app, anAnswer({ ref_action: "vote" })).type).toBe("accept");
  });
});
