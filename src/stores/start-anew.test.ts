import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createStores } from "./create-stores.ts";
import { createFakeEngine } from "./fake-engine.ts";
import { aConversation, CONVERSATION } from "./sample-views.ts";
import { startAnew } from "./start-anew.ts";

function aPage() {
  const engine = createFakeEngine({ conversations: [aConversation()] });
  const clock = createFakeClock();
  const stores = createStores(engine, clock, { load: () => null, save: () => {} });
  const seen: string[] = [];
  stores.notices.on((notice) => {
    if (notice.kind === "failure") seen.push(notice.failure.kind);
  });
  let last: number | null = null;
  const lastStart = {
    load: () => last,
    save: (at: number) => {
      last = at;
    },
  };
  const die = () => startAnew(stores, lastStart, () => seen.push("reload"));
  return { engine, clock, composer: stores.composer, seen, die };
}

test("[U153] a page whose worker died starts anew, once a minute at most", async () => {
  const { clock, seen, die } = aPage();

  await die();
  await clock.advance(59_999);
  await die();
  await clock.advance(1);
  await die();

  expect(seen).toEqual(["reload", "bridge/gone", "reload"]);
});

test("[U153] words that the worker took no more hold the page, and are still there", async () => {
  const { engine, composer, seen, die } = aPage();
  engine.refuseNext("saveDraft", { kind: "bridge/gone" });
  engine.refuseNext("saveDraft", { kind: "bridge/gone" });
  composer.getState().write(CONVERSATION, "not stored");

  await die();

  expect(seen).toEqual(["bridge/gone"]);
  expect(composer.getState().draftById[CONVERSATION]?.text).toBe("not stored");
});
