import { afterAll, beforeAll, expect, test } from "vitest";
import type { EngineEvent } from "#bridge/events.ts";
import type { MessageView } from "#bridge/views.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import { must, startEngineWorld, words, type EngineWorld } from "./engine-world.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const isRow = (message: MessageView) => message.body.kind === "missing";

test("[N97] a row says that messages are missing, counts as nothing said, and goes when they come", async () => {
  const ada = await world.person("Ada");
  const guide = await world.agent();
  const id = must(await ada.calls.acceptInvite({ url: guide.link }));
  if (id === null) throw new Error("no conversation");
  await ada.openThread(id);
  const held: Extract<RelayFrame, { type: "message.new" }>[] = [];
  ada.line.hears = (frame) => {
    if (frame.type === "message.new") held.push(frame);
    if (frame.type === "message.new") return [];
    if (frame.type !== "control" || frame.conversation_seq === undefined) return [frame];
    return [{ ...frame, conversation_seq: frame.conversation_seq - held.length }];
  };
  const sent = must(await guide.endpoint.send(id, { type: "text", text: "kept from you" }));
  await guide.endpoint.settled(sent.messageId);
  await guide.endpoint.close(60_000);

  const row = await ada.row(isRow);

  expect(row).toMatchObject({ body: { kind: "missing", count: 1 }, authorName: "Echo" });
  expect((await ada.openThread(id)).messages.filter(isRow)).toEqual([row]);
  const list = must(await ada.calls.listConversations());
  expect(list).toMatchObject([{ id, unreadCount: 0, preview: null }]);

  const late = held.splice(0);
  ada.line.hears = (frame) => {
    const seq = (row.seq ?? 0) + 1;
    return [...late.splice(0).map((one) => ({ ...one, conversation_seq: seq })), frame];
  };
  must(
    await ada.calls.sendText({
      conversationId: id,
      text: "are you there?",
      mentions: [],
      replyToId: null,
    }),
  );
  await ada.until(
    (event): event is EngineEvent =>
      event.type === "messages-removed" && event.messageIds.includes(row.id),
  );

  await ada.row((message) => words(message) === "are you there?" && message.seq !== null);

  const after = (await ada.openThread(id)).messages;
  expect(after.map(words).slice(-2)).toEqual(["kept from you", "are you there?"]);
});
