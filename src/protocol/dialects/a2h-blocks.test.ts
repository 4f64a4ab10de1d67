import { describe, expect, test } from "vitest";
import { parseCard } from "../artifact.ts";
import { checkPayload } from "../payload.ts";

/** The card of an older spelling, after every check of today's. */
function cardOf(payload: object) {
  const checked = checkPayload(payload);
  if (!checked.ok || checked.value.type !== "artifact") throw new Error("no card");
  const { subtype, payload: body, title } = checked.value.artifact;
  const card = parseCard(subtype, body);
  if (!card.ok) throw new Error(JSON.stringify(card.failure));
  return { title, card: card.value };
}

describe("[P232] a card of A2H 0.3", () => {
  test("[P232] that asks becomes a form, with its blocks in order", () => {
    const blocks = [
      { tag: "text", key: "intro", content: "Who comes?" },
      { tag: "input", key: "name", input_type: "text", label: "Name", required: true },
      { tag: "input", key: "guests", type: "number", label: "People", min: 1 },
      { tag: "divider" },
      {
        tag: "select",
        key: "room",
        label: "Room",
        options: ["garden", { value: "h", label: "Hall" }],
      },
      { tag: "checkbox", key: "agreed", label: "Agreed" },
      { tag: "action", key: "ok", label: "Book" },
      { tag: "action", key: "cancel", label: "Not now" },
    ];
    const whole = { a2h: "0.3", subtype: "input", title: "A visit", blocks };

    const expected = {
      title: "A visit",
      card: {
        subtype: "form",
        payload: {
          fields: [
            { id: "name", label: "Name", type: "text", required: true },
            { id: "guests", label: "People", type: "number", min: 1 },
            {
              id: "room",
              label: "Room",
              type: "select",
              options: [
                { value: "garden", label: "garden" },
                { value: "h", label: "Hall" },
              ],
            },
            { id: "agreed", label: "Agreed", type: "checkbox" },
          ],
          submit_label: "Book",
          cancel_label: "Not now",
          blocks: [{ tag: "text", text: "Who comes?" }, { tag: "divider" }],
        },
      },
    };
    expect(cardOf({ type: "artifact", artifact: whole })).toEqual(expected);
    expect(cardOf(whole)).toEqual(expected);
    const { title, ...payload } = whole;
    expect(cardOf({ type: "artifact", artifact: { title, subtype: "x", payload } })).toEqual(
      expected,
    );
  });

  test("[P232] that only tells becomes an info card with its actions, and unknown tags stay noted", () => {
    const blocks = [
      { tag: "status", text: "Deployed", tone: "success" },
      { tag: "table", columns: [{ key: "a", label: "Host" }, "Load"], rows: [["web", 0.4]] },
      { tag: "code", content: "ls" },
      { tag: "orrery", planets: 8 },
      { tag: "input", key: "Not a key", label: "?" },
      { tag: "action", key: "again", label: "Again" },
    ];

    expect(cardOf({ a2h: "0.3", blocks }).card).toEqual({
      subtype: "info",
      payload: {
        body: "",
        actions: [{ id: "again", label: "Again" }],
        blocks: [
          { tag: "status", text: "Deployed", tone: "success" },
          { tag: "table", columns: ["Host", "Load"], rows: [["web", "0.4"]] },
          { tag: "code", code: "ls" },
          { tag: "unknown", original_tag: "orrery" },
          { tag: "unknown", original_tag: "input" },
        ],
      },
    });
  });

  test("[P232] today's cards may bring sixteen blocks and no more", () => {
    const blocks = (count: number) => Array(count).fill({ tag: "divider" });

    expect(parseCard("info", { body: "", blocks: blocks(16) }).ok).toBe(true);
    expect(parseCard("info", { body: "", blocks: blocks(17) }).ok).toBe(false);
  });
});
