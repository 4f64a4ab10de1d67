import { describe, expect, test } from "vitest";
import { anAgentWorld, isText } from "./agent-world.contract.ts";

describe("an agent over a real relay", () => {
  test("[K12] answers a person, and both sides read what the other sealed", async () => {
    const world = await anAgentWorld();
    const echo = await world.provision("Echo");
    const agent = await world.run(echo);
    agent.addMessageHandler(async (msg) => {
      if (msg.payload.type !== "text") return;
      await agent.send(msg.conversation_id, { type: "text", text: `you said ${msg.payload.text}` });
    });
    const alice = await world.person("Alice");

    const conversationId = await alice.meet(echo, agent.fingerprint);
    await alice.say(conversationId, "hello");

    expect(await alice.reads(isText("you said hello"))).toBeTruthy();
  });
});
