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
    const app = aRecord({ subtype: "app", payload: { ui: "orrery" } });

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

  test("[K44] to a tool's call must be of that call", () => {
    const tool = aRecord({
      subtype: "tool_call",
      payload: { call_id: "card", tool_name: "t", arguments: {} },
    });
    const says = (call_id: string) =>
      judgeAnswer(tool, anAnswer({ ref_action: "tool_result", values: { call_id, status: "ok" } }));

    expect(says("card").type).toBe("accept");
    expect(says("another")).toEqual({ type: "refuse", code: "ARTIFACT_INVALID" });
  });

  test("[K15] [K41] to a vote names one of its options, once for each member, before it closes", () => {
    const payload = {
      ui: "vote_card",
      question: "?",
      options: [
        { id: "tea", label: "Tea" },
        { id: "coffee", label: "Coffee" },
      ],
      closesAt: NOW + 1_000,
    };
    const vote = aRecord({ subtype: "app", payload });
    const forOption = (option_id: string, by = "alice", at = NOW) =>
      anAnswer({ ref_action: "vote", values: { option_id }, response_id: `${by}-${at}` }, by, at);

    const taken = judgeAnswer(vote, forOption("tea"));
    expect(taken).toEqual({
      type: "accept",
      record: {
        ...vote,
        answers: [{ responseId: `alice-${NOW}`, by: "alice", optionId: "tea" }],
      },
    });
    const record = taken.type === "accept" ? taken.record : null;
    expect(judgeAnswer(record, forOption("coffee", "alice", NOW + 1))).toEqual({
      type: "ignore",
      because: "late",
    });
    expect(judgeAnswer(record, forOption("coffee", "bob")).type).toBe("accept");
    expect(judgeAnswer(vote, forOption("water"))).toMatchObject({ code: "ARTIFACT_INVALID" });
    expect(judgeAnswer(vote, forOption("tea", "bob", NOW + 1_001))).toMatchObject({
      code: "ARTIFACT_EXPIRED",
    });
    const shut = aRecord({ subtype: "app", payload: { ...payload, closed: true } });
    expect(judgeAnswer(shut, forOption("tea"))).toMatchObject({ code: "ARTIFACT_EXPIRED" });
  });

  test("[K42] to a request with a quorum counts from approvers, until it is settled", () => {
    const request = aRecord({
      subtype: "approval",
      payload: {
        action: "deploy",
        summary: "",
        details: [],
        request: {},
        risk: "low",
        options: [
          { id: "no", label: "No", decision: "deny" },
          { id: "yes", label: "Yes", decision: "approve" },
        ],
        expires_at: new Date(NOW + 1_000).toISOString(),
        nonce: "n",
        digest: "d",
        quorum: { required: 2, approvers: ["alice", "bob", "cy"] },
      },
    });
    const says = (by: string, option_id: string) =>
      anAnswer({ response_id: by, decision: { option_id, approval: "" } }, by);
    const after = (record: ArtifactRecord | null, by: string, option: string) => {
      const verdict = judgeAnswer(record, says(by, option));
      return verdict.type === "accept" ? verdict.record : null;
    };

    expect(judgeAnswer(request, says("mallory", "yes"))).toMatchObject({
      because: "not-a-responder",
    });
    const one = after(request, "alice", "yes");
    expect(judgeAnswer(one, { ...says("alice", "no"), at: NOW + 1 })).toMatchObject({
      type: "ignore",
    });
    const two = after(one, "bob", "yes");
    expect(two?.answers.map(({ by, decision }) => [by, decision])).toEqual([
      ["alice", "approve"],
      ["bob", "approve"],
    ]);
    expect(judgeAnswer(two, says("cy", "no"))).toEqual({ type: "ignore", because: "late" });
    expect(judgeAnswer(after(request, "alice", "no"), says("cy", "yes"))).toEqual({
      type: "ignore",
      because: "late",
    });
  });
});
