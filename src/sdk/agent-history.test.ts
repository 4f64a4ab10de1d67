import { expect, test } from "vitest";
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
