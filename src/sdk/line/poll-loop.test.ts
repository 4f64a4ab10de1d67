import { describe, expect, test } from "vitest";
import { aMailbox, anAgentWorld, isText } from "../agent-world.contract.ts";
import { HasheeError } from "../agent-error.ts";
import type { AgentMessage } from "../incoming/message-context.ts";

async function setupPolling() {
  const world = await anAgentWorld();
  const alice = await world.person("Alice");
  const provisioned = await alice.creates("polling");
  const run = () => world.run(provisioned, { connectionMode: "polling" });
  const agent = await run();
  const conversationId = await alice.meet(provisioned, agent.fingerprint);
  return { world, alice, provisioned, agent, run, conversationId };
}

describe("an agent that polls", () => {
  test("[K31] hears what waits and what comes, once, answers, and was never online", async () => {
    const { alice, agent, run, conversationId } = await setupPolling();
    const heard = aMailbox<AgentMessage>();
    agent.addMessageHandler((msg) => heard.put(msg));
    await alice.say(conversationId, "first");
    const first = await heard.take();
    await agent.send(conversationId, { type: "text", text: "an answer" });
    await alice.reads(isText("an answer"));
    await agent.close();
    await alice.say(conversationId, "while nobody polled");

    const next = await run();
    next.addMessageHandler((msg) => heard.put(msg));
    const second = await heard.take();
    await alice.say(conversationId, "and now");
    const third = await heard.take();

    expect([first, second, third].map(({ payload }) => payload)).toMatchObject([
      { text: "first" },
      { text: "while nobody polled" },
      { text: "and now" },
    ]);
    expect((await next.profile()).online).toBe(false);
    expect(heard.heard).toEqual([]);
  });

  test("[K31] a mode that is not the relay's ends with a fatal error", async () => {
    const world = await anAgentWorld();
    const agent = await world.run(await world.provision("Line"), { connectionMode: "polling" });

    const error = await new Promise<HasheeError>((resolve) => void agent.addErrorHandler(resolve));

    expect(error).toMatchObject({ code: "FORBIDDEN", fatal: true });
    expect(agent.status).toBe("error");
  });
});
