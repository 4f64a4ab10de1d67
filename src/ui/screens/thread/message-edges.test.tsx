import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { aMessage } from "#stores/sample-views.ts";
import type { BodyView, MessageView, StreamView } from "#stores/views.ts";
import { KitProvider } from "#ui/kit/KitProvider.tsx";
import { en } from "#ui/text/en.ts";
import { makeText, TextProvider } from "#ui/text/text.tsx";
import { zhHans } from "#ui/text/zh-hans.ts";
import { MessageHead, MessageSide } from "./MessageEdges.tsx";

const draw = (node: React.ReactNode, text = makeText("en", en)): string =>
  renderToStaticMarkup(
    <TextProvider text={text}>
      <KitProvider>{node}</KitProvider>
    </TextProvider>,
  );
const STREAM = { status: "live", reason: null, text: "so", markdown: true } as StreamView;
const fromAgent = (body: BodyView): MessageView =>
  aMessage(1, { isSelf: false, authorKind: "agent", authorName: "Echo", delivery: null, body });
const whole = fromAgent({ kind: "text", text: "so it is", markdown: true });
const arriving = fromAgent({ kind: "stream", stream: STREAM });
const cutShort = fromAgent({
  kind: "stream",
  stream: { ...STREAM, status: "aborted", reason: "orphaned" },
});
const following = (message: MessageView, isAttended = false) => (
  <MessageHead message={message} isNamed={false} isAttended={isAttended}>
    tools
  </MessageHead>
);
const beside = (message: MessageView, isAttended = false) => (
  <MessageSide message={message} hasTime isAttended={isAttended}>
    tools
  </MessageSide>
);
const isShown = (drawn: string): boolean => drawn.includes('data-shown="true"');

describe("a row that is not headed", () => {
  test("[U155] is quiet about what is proven, shows it to whoever looks, and reads it out always", () => {
    expect(isShown(draw(following(whole)))).toBe(false);
    expect(isShown(draw(following(whole, true)))).toBe(true);
    expect(draw(following(whole))).toContain("Complete, signature verified");
    expect(draw(following(whole), makeText("zh-Hans", zhHans))).toContain("签名已验证");
  });

  test("[U155] shows without being asked what is not proven yet and what never will be", () => {
    expect(isShown(draw(following(arriving)))).toBe(true);
    expect(draw(following(arriving))).toContain("Still arriving, not proven yet");
    expect(isShown(draw(following(cutShort)))).toBe(true);
    expect(draw(following(cutShort))).toContain("Incomplete or altered");
  });

  test("[U155] of one's own shows without being asked that it has not left", () => {
    const own = (status: "queued" | "sending" | "delivered") =>
      aMessage(1, { isSelf: true, delivery: { status } });

    expect(isShown(draw(beside(own("queued"))))).toBe(true);
    expect(isShown(draw(beside(own("sending"))))).toBe(true);
    expect(isShown(draw(beside(own("delivered"))))).toBe(false);
    expect(isShown(draw(beside(own("delivered"), true)))).toBe(true);
    expect(draw(beside(own("delivered")))).toContain("Delivered");
  });
});
