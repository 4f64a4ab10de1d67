import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createStores } from "#stores/create-stores.ts";
import { createFakeEngine } from "#stores/fake-engine.ts";
import { aConversation, aMember, SELF } from "#stores/sample-views.ts";
import type { ConversationView } from "#stores/views.ts";
import { StoresProvider } from "#ui/StoresContext.tsx";
import { createRouter } from "#ui/router.ts";
import { KitProvider } from "#ui/kit/KitProvider.tsx";
import { en } from "#ui/text/en.ts";
import { makeText, TextProvider } from "#ui/text/text.tsx";
import { zhHans } from "#ui/text/zh-hans.ts";
import { ConversationRow } from "./ConversationRow.tsx";

const STORES = createStores(createFakeEngine(), createFakeClock(), {
  load: () => null,
  save: () => {},
} as never);
const ROUTER = createRouter(
  {
    location: { pathname: "/", search: "", hash: "" },
    history: { pushState() {}, replaceState() {}, back() {}, state: null },
    onMove: () => {},
  },
  () => {},
);
const wordsOf = (view: ConversationView, text: ReturnType<typeof makeText>): string =>
  renderToStaticMarkup(
    <StoresProvider stores={STORES} router={ROUTER}>
      <TextProvider text={text}>
        <KitProvider>
          <ConversationRow view={view} isCurrent={false} />
        </KitProvider>
      </TextProvider>
    </StoresProvider>,
  ).replaceAll(/<[^>]*>/g, "");

test("[U105] what was said last stands behind its author's name with the language's own colon and room", () => {
  const self = aMember({ id: SELF, kind: "human", name: "Ada", isSelf: true });
  const other = aMember({ name: "Echo" });
  const said = (by: typeof self) =>
    aConversation({
      kind: "group",
      members: [self, other],
      preview: { authorId: by.id, kind: "text", text: "hello", at: 0 },
    });
  const [english, chinese] = [makeText("en", en), makeText("zh-Hans", zhHans)];

  expect(wordsOf(said(self), english)).toContain("You: hello");
  expect(wordsOf(said(other), english)).toContain("Echo: hello");
  expect(wordsOf(said(self), chinese)).toContain("你：hello");
  expect(wordsOf(said(other), chinese)).toContain("Echo：hello");
});
