import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must, startWorld, textOf, type Member, type World } from "./endpoint-world.contract.ts";

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.end());

const say = async (
  member: Member,
  conversationId: Parameters<Member["endpoint"]["send"]>[0],
  text: string,
) => {
  const queued = must(await member.endpoint.send(conversationId, { type: "text", text }));
  return member.endpoint.settled(queued.messageId);
};

describe("a person and an agent", () => {
  test("a text reaches the other side both ways, verified, in order", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);

    const asked = await say(person, conversationId, "hello");
    const heard = await agent.text("hello");
    const answered = await say(agent, conversationId, "hello yourself");
    const read = await person.text("hello yourself");

    expect(asked.state.status).toBe("acked");
    expect(answered.state.status).toBe("acked");
    expect(heard).toMatchObject({
      authorId: person.endpoint.accountId,
      authorKind: "human",
      content: { kind: "message", suite: 2, mode: "session", gap: false, reduced: false },
    });
    expect(read).toMatchObject({ authorId: agent.endpoint.accountId, authorKind: "agent" });
    const rows = await person.store.logAfter(conversationId, 0, 100);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i + 1));
    expect(textOf(read)).toBe("hello yourself");
  });
});
