import { expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { systemRandom } from "#base/random.ts";
import type { KnownPayload } from "#protocol/payload.ts";
import { anAgentWorld, setupMeeting } from "./agent-world.contract.ts";

const shown = (messages: Awaited<ReturnType<typeof read>>) =>
  messages.map((message) =>
    message.payload === null
      ? message.because
      : message.payload.type === "text"
        ? message.payload.text
        : message.payload.type,
  );
const read = async (agent: Awaited<ReturnType<typeof setupMeeting>>["agent"], id: string) =>
  (await agent.history(id, {})).messages;

test("[K27] [E30] an agent reads back what it said, from any of its processes, and not what it took back", async () => {
  const world = await anAgentWorld();
  const { agent, alice, provisioned, conversationId } = await setupMeeting(world);
  await alice.say(conversationId, "question");
  await agent.send(conversationId, { type: "text", text: "an answer" });
  const stream = agent.createStreamSession(conversationId);
  await stream.delta("bit ");
  await stream.delta("by bit");
  await stream.done();
  const { message_id: regretted } = await agent.send(conversationId, {
    type: "text",
    text: "oops",
  });
  await agent.recallMessage(conversationId, regretted);

  const ownView = shown(await read(agent, conversationId));
  const sibling = await world.run(provisioned);
  const siblingView = shown(await read(sibling, conversationId));

  expect(ownView).toEqual(["question", "an answer", "bit by bit", "recalled"]);
  expect(siblingView).toEqual(ownView);
});

test("[K27] a page holds every kind of message, oldest first, and leads to the page before it", async () => {
  const { agent, alice, conversationId } = await setupMeeting();
  const link: KnownPayload = { type: "link", url: "https://a.example", title: "A" };
  const contact: KnownPayload = {
    type: "contact",
    contact: { kind: "user", id: alice.userId, display_name: "Ada" },
  };
  for (const payload of ["one", link, contact, "two"]) await alice.say(conversationId, payload);
  await agent.send(conversationId, { type: "text", text: "three" });

  const newest = await agent.history(conversationId, { limit: 2 });
  const middle = await agent.history(conversationId, { before: newest.before ?? 0, limit: 2 });
  const rest = await agent.history(conversationId, { before: middle.before ?? 0 });

  expect(shown(newest.messages)).toEqual(["two", "three"]);
  expect(shown(middle.messages)).toEqual(["link", "contact"]);
  expect(middle.messages[0]).toMatchObject({ payload: link, sender_display_name: "Alice" });
  expect(shown(rest.messages)).toEqual(["one"]);
  expect(rest.before).toBeNull();
});

test("[K27] what an agent without prekeys said is named as its own and gone, and what it hears is not", async () => {
  const world = await anAgentWorld();
  const provisioned = await world.provision("Bare");
  const keys = {
    privateKey: bytesToBase64(systemRandom(32)),
    signingPrivateKey: bytesToBase64(systemRandom(32)),
  };
  const agent = await world.run(provisioned, { keyVault: null, dedupe: null, ...keys });
  const alice = await world.person("Alice");
  const conversationId = await alice.meet(provisioned, agent.fingerprint);
  await alice.say(conversationId, "question");
  await agent.send(conversationId, { type: "text", text: "an answer" });

  const { messages } = await agent.history(conversationId);

  expect(shown(messages)).toEqual(["question", "own-message"]);
  expect(messages[1]).toMatchObject({ sender_id: agent.agentId, payload: null });
});
