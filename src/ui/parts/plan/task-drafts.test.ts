import { describe, expect, test } from "vitest";
import { draftsOf, parseTasks, tasksOf, withMoved, withNewDraft } from "./task-drafts.ts";

const tasks = [
  { id: 1, title: "One", hints: ["kept"], notes: null },
  { id: "b", objective: "Two", chart_hint: { kind: "bar" } },
];

describe("[U80] tasks in the form", () => {
  test("go back untouched, members in their places, when nobody changed them", () => {
    expect(JSON.stringify(tasksOf(draftsOf(tasks), tasks))).toBe(JSON.stringify(tasks));
  });

  test("are renamed in the member they came with, added, moved and removed", () => {
    const drafts = withNewDraft(draftsOf(tasks));
    const edited = withMoved(drafts, 0, 1)
      .map((draft) => (draft.key === "1" ? { ...draft, title: "Second" } : draft))
      .map((draft) => (draft.key === "new-2" ? { ...draft, title: "Mine" } : draft));

    expect(tasksOf(edited, tasks)).toEqual([
      { id: "b", objective: "Second", chart_hint: { kind: "bar" } },
      { id: 1, title: "One", hints: ["kept"], notes: null },
      { id: 2, title: "Mine" },
    ]);
    expect(withMoved(drafts, 0, -1)).toBe(drafts);
  });

  test("need an id of their own each; none at all is a list too", () => {
    const [first] = draftsOf(tasks);

    expect(tasksOf([{ ...first, more: "{}" } as never], tasks)).toBeNull();
    expect(tasksOf([{ ...first, more: "no json" } as never], tasks)).toBeNull();
    expect(parseTasks("[]")).toEqual([]);
    expect(parseTasks('[{"id":1},{"id":"1"}]')).toBeNull();
    expect(parseTasks('{"id":1}')).toBeNull();
    expect(parseTasks('[{"title":"no id"}]')).toBeNull();
    expect(parseTasks("{")).toBeNull();
  });
});
