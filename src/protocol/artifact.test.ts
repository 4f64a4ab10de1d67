import { describe, expect, test } from "vitest";
import { applyUpdate, parseCard, type Artifact } from "./artifact.ts";
import { closingTime, outcomeOf, respondersOf, respondMode } from "./answering.ts";
import { tallyOf, votedFor, type VoteCard } from "./vote-card.ts";
import { checkFormValues } from "./form-values.ts";

const progress: Artifact = {
  artifact_id: "a1",
  subtype: "progress",
  title: "Export",
  payload: { percent: 10, status: "running" },
};

describe("cards", () => {
  test("[P204] a form needs fields with names of their own", () => {
    const field = { id: "name", label: "Name", type: "text" };

    expect(parseCard("form", { fields: [field] }).ok).toBe(true);
    expect(parseCard("form", { fields: [] }).ok).toBe(false);
    expect(parseCard("form", { fields: [field, field] }).ok).toBe(false);
    expect(parseCard("form", { fields: [{ ...field, id: "Name" }] })).toEqual({
      ok: false,
      failure: { kind: "protocol/bad-artifact", path: "fields.0.id" },
    });
  });

  test("[P207] a progress stays between nothing and all", () => {
    expect(parseCard("progress", { percent: 100 }).ok).toBe(true);
    expect(parseCard("progress", { percent: null }).ok).toBe(true);
    expect(parseCard("progress", { percent: 101 }).ok).toBe(false);
  });

  test("[P211] a subtype of the future keeps its title and fails nothing", () => {
    expect(parseCard("orrery", { planets: 8 })).toEqual({
      ok: true,
      value: { subtype: "unknown", original_subtype: "orrery" },
    });
  });

  test("a subtype cannot be a name every object has", () => {
    expect(parseCard("constructor", {})).toEqual({
      ok: true,
      value: { subtype: "unknown", original_subtype: "constructor" },
    });
  });
});

describe("votes, media and shown answers", () => {
  const vote = {
    ui: "vote_card",
    question: "Tea or coffee?",
    options: [
      { id: "tea", label: "Tea" },
      { id: "coffee", label: "Coffee" },
    ],
    closesAt: 1_800_000,
  };
  const asCard = (payload: object): VoteCard => {
    const card = parseCard("app", payload);
    if (!card.ok || card.value.subtype !== "app") throw new Error("no vote");
    return card.value.payload;
  };

  test("[P211] a vote has two to twelve options with ids of their own", () => {
    const [tea] = vote.options;
    const thirteen = Array.from({ length: 13 }, (_, i) => ({ id: `o${i}`, label: "" }));

    expect(parseCard("app", vote).ok).toBe(true);
    for (const options of [[tea], [tea, tea], thirteen])
      expect(parseCard("app", { ...vote, options }).ok).toBe(false);
  });

  test("[P211] an app of the future keeps its title, one without a name is refused", () => {
    expect(parseCard("app", { ui: "chess_board", fen: "8/8" })).toEqual({
      ok: true,
      value: { subtype: "unknown", original_subtype: "app chess_board" },
    });
    expect(parseCard("app", { question: "?" }).ok).toBe(false);
  });

  test("[P211] a vote names one of the options", () => {
    const card = asCard(vote);

    expect(votedFor(card, { ref_action: "vote", values: { option_id: "tea" } })).toBe("tea");
    expect(votedFor(card, { ref_action: "vote", values: { option_id: "water" } })).toBeNull();
    expect(votedFor(card, { ref_action: "tea", values: { option_id: "tea" } })).toBeNull();
  });

  test("[P211] the greater of the agent's count and the votes at hand is shown", () => {
    const [tea, coffee] = vote.options;
    const card = asCard({ ...vote, options: [{ ...tea, votes: 4 }, coffee] });

    expect(tallyOf(card, ["tea", "coffee", "coffee"]).map(({ votes }) => votes)).toEqual([4, 2]);
  });

  test("[P211] a vote closes at its hour and takes one answer of each member", () => {
    const artifact = { subtype: "app", title: "", payload: vote, respond: "many" } as const;

    expect(respondMode(artifact)).toBe("once_per_member");
    expect(closingTime(artifact)).toBe(1_800_000);
    expect(closingTime({ ...artifact, expires_at: "1970-01-01T00:10:00.000Z" })).toBe(600_000);
  });

  test("[P208] a media card holds one to twenty items of a kind it can show", () => {
    const item = { attachment_id: "a1", kind: "image", caption: "Dusk" };

    expect(parseCard("media", { items: [item], layout: "carousel" }).ok).toBe(true);
    expect(parseCard("media", { items: [] }).ok).toBe(false);
    expect(parseCard("media", { items: Array(21).fill(item) }).ok).toBe(false);
    expect(parseCard("media", { items: [{ ...item, kind: "hologram" }] })).toEqual({
      ok: false,
      failure: { kind: "protocol/bad-artifact", path: "items.0.kind" },
    });
  });

  test("[P205] a shown answer names its card and what was chosen", () => {
    const payload = { ref_artifact: "form", ref_action: "submit", values: { name: "Ada" } };

    expect(parseCard("response", payload)).toEqual({
      ok: true,
      value: { subtype: "response", payload },
    });
    expect(parseCard("response", { values: {} }).ok).toBe(false);
  });
});

describe("quorums", () => {
  const quorum = { required: 2, approvers: ["ada", "bob", "cy"] };
  const yes = (by: string) => ({ by, decision: "approve" }) as const;
  const no = (by: string) => ({ by, decision: "deny" }) as const;

  test("[P228] different approvers have to agree, and one denial ends it", () => {
    expect(outcomeOf({ quorum }, [])).toBe("pending");
    expect(outcomeOf({ quorum }, [yes("ada"), yes("ada")])).toBe("pending");
    expect(outcomeOf({ quorum }, [yes("ada"), yes("bob")])).toBe("approved");
    expect(outcomeOf({ quorum }, [yes("ada"), no("bob")])).toBe("denied");
    expect(outcomeOf({ quorum }, [yes("ada"), yes("bob"), no("cy")])).toBe("approved");
    expect(outcomeOf({}, [yes("ada")])).toBe("approved");
  });

  test("[P228] no more approvals can be required than there are approvers", () => {
    const request = {
      action: "deploy",
      summary: "",
      details: [],
      request: {},
      risk: "low",
      options: [
        { id: "no", label: "No", decision: "deny" },
        { id: "yes", label: "Yes", decision: "approve" },
      ],
      expires_at: "2026-01-01T00:00:00.000Z",
      nonce: "n",
      digest: "d",
    };
    const withQuorum = (required: number, approvers: readonly string[]) =>
      parseCard("approval", { ...request, quorum: { required, approvers } }).ok;

    expect(withQuorum(2, ["ada", "bob"])).toBe(true);
    expect(withQuorum(2, ["ada", "ada"])).toBe(false);
    expect(withQuorum(0, ["ada"])).toBe(false);
  });

  test("[P228] only the approvers are asked", () => {
    const artifact = { subtype: "approval", title: "", payload: {} };

    expect(respondersOf({ ...artifact, responders: ["bob"] })).toEqual(["bob"]);
    expect(respondersOf(artifact)).toBeNull();
    expect(respondMode({ ...artifact, payload: { quorum }, respond: "once" })).toBe(
      "once_per_member",
    );
  });
});

describe("updates", () => {
  test("[P219] given keys replace, null deletes, the whole is checked again", () => {
    const updated = applyUpdate(
      { artifact: progress, revision: 0 },
      {
        ref_artifact: "a1",
        based_on_revision: 0,
        artifact: { title: "Done", payload: { percent: 100, status: null } },
      },
    );

    expect(updated).toEqual({
      ok: true,
      value: { artifact: { ...progress, title: "Done", payload: { percent: 100 } }, revision: 1 },
    });
  });

  test("[P219] an update that breaks the card changes nothing", () => {
    const before = structuredClone(progress);

    const refused = applyUpdate(
      { artifact: progress, revision: 0 },
      { ref_artifact: "a1", based_on_revision: 0, artifact: { payload: { percent: 900 } } },
    );

    expect(refused).toEqual({
      ok: false,
      failure: { kind: "protocol/bad-artifact", path: "percent" },
    });
    expect(progress).toEqual(before);
  });

  test("[P220] an update based on another revision is a conflict that names the current one", () => {
    expect(
      applyUpdate(
        { artifact: progress, revision: 4 },
        { ref_artifact: "a1", based_on_revision: 3, artifact: { payload: {} } },
      ),
    ).toEqual({
      ok: false,
      failure: { kind: "protocol/revision-conflict", current_revision: 4 },
    });
  });
});

describe("form answers", () => {
  const options = [
    { value: "a", label: "A" },
    { value: "b", label: "B" },
  ];

  test("[P212] text is held to its length and format", () => {
    const fields = [
      { id: "mail", label: "", type: "text", format: "email", max_length: 20 },
      { id: "bio", label: "", type: "textarea", min_length: 3 },
    ] as const;

    expect(checkFormValues(fields, { mail: "a@b.example", bio: "long enough" })).toEqual({});
    expect(checkFormValues(fields, { mail: "nobody", bio: "no" })).toEqual({
      mail: { kind: "bad-format", format: "email" },
      bio: { kind: "too-short", limit: 3 },
    });
    expect(checkFormValues(fields, { mail: "x".repeat(21), bio: 5 })).toEqual({
      mail: { kind: "too-long", limit: 20 },
      bio: { kind: "wrong-type" },
    });
  });

  test("[P213] a number is held to range and step", () => {
    const fields = [{ id: "n", label: "", type: "number", min: 1, max: 2, step: 0.1 }] as const;

    expect([1, 1.3, 2].map((n) => checkFormValues(fields, { n }))).toEqual([{}, {}, {}]);
    expect(checkFormValues(fields, { n: 0 })).toEqual({ n: { kind: "too-small", limit: 1 } });
    expect(checkFormValues(fields, { n: 3 })).toEqual({ n: { kind: "too-large", limit: 2 } });
    expect(checkFormValues(fields, { n: 1.25 })).toEqual({ n: { kind: "off-step", step: 0.1 } });
    expect(checkFormValues(fields, { n: Number.NaN })).toEqual({ n: { kind: "wrong-type" } });
  });

  test("[P214] a choice is one of the options, or several where that is allowed", () => {
    const one = [{ id: "c", label: "", type: "radio", options }] as const;
    const many = [{ id: "c", label: "", type: "select", options, multiple: true }] as const;

    expect(checkFormValues(one, { c: "a" })).toEqual({});
    expect(checkFormValues(one, { c: "z" })).toEqual({ c: { kind: "not-an-option" } });
    expect(checkFormValues(many, { c: ["a", "b"] })).toEqual({});
    expect(checkFormValues(many, { c: ["a", "z"] })).toEqual({ c: { kind: "not-an-option" } });
  });

  test("[P215] a required box must be ticked", () => {
    const fields = [{ id: "ok", label: "", type: "checkbox", required: true }] as const;

    expect(checkFormValues(fields, { ok: true })).toEqual({});
    expect(checkFormValues(fields, { ok: false })).toEqual({ ok: { kind: "required" } });
    expect(checkFormValues(fields, {})).toEqual({ ok: { kind: "required" } });
  });

  test("[P216] a date is a real day within its range", () => {
    const fields = [{ id: "d", label: "", type: "date", min: "2024-01-01" }] as const;

    expect(checkFormValues(fields, { d: "2024-02-29" })).toEqual({});
    expect(checkFormValues(fields, { d: "2023-02-29" })).toEqual({ d: { kind: "not-a-date" } });
    expect(checkFormValues(fields, { d: "2023-02-28" })).toEqual({
      d: { kind: "too-small", limit: "2024-01-01" },
    });
  });

  test("an absent optional value is fine", () => {
    expect(checkFormValues([{ id: "x", label: "", type: "number" }], {})).toEqual({});
  });
});
