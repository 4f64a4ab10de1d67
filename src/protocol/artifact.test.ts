import { describe, expect, test } from "vitest";
import { applyUpdate, parseCard, type Artifact } from "./artifact.ts";
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
