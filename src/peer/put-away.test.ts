import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ConversationId } from "#protocol/ids.ts";
import type { Entry } from "./endpoint.ts";
import { must, startWorld, textOf, type Member, type World } from "./endpoint-world.contract.ts";

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.end());

const say = async (from: Member, conversationId: ConversationId, text: string) => {
  const queued = must(await from.endpoint.send(conversationId, { type: "text", text }));
  return from.endpoint.settled(queued.messageId);
};

/** An agent that keeps one conversation in memory, unless told otherwise, and people who meet it one by one. */
async function anAgent(
  changes: { readonly acknowledge?: "by-caller"; readonly conversationsInMemory?: number } = {},
) {
  const gone: ConversationId[] = [];
  const agent = await world.agent({
    conversationsInMemory: 1,
    onPutAway: (conversationId) => void gone.push(conversationId),
    ...changes,
  });
  return {
    agent,
    gone,
    leaves: (conversationId: ConversationId) => expect.poll(() => gone).toContain(conversationId),
    /** Somebody new, who says something and is answered. */
    async guest(text: string) {
      const person = await world.person();
      const conversationId = await world.meet(person, agent);
      await say(person, conversationId, text);
      await agent.text(text);
      await say(agent, conversationId, `${text} yourself`);
      await person.text(`${text} yourself`);
      return { person, conversationId };
    },
  };
}

describe("a conversation that was put away", () => {
  test("[E98] goes on in both directions, to new devices too, and nothing is missing or told twice", async () => {
    const { agent, guest, leaves } = await anAgent();
    const { person: ann, conversationId } = await guest("one");
    await guest("somebody else");
    await leaves(conversationId);

    const tablet = await ann.anotherDevice();
    await agent.entry(({ content }) => content.kind === "ledger" && content.op === "device-add");
    await say(ann, conversationId, "two");
    await agent.text("two");
    await say(agent, conversationId, "two yourself");
    const two = await ann.text("two yourself");
    const onTablet = await tablet.text("two yourself");

    const heard = agent.events.flatMap((event) =>
      event.type === "entry" && event.entry.conversationId === conversationId
        ? (textOf(event.entry) ?? [])
        : [],
    );
    expect(heard).toEqual(["one", "one yourself", "two", "two yourself"]);
    expect([two, onTablet].map(({ content }) => content)).toMatchObject([
      { gap: false, mode: "session" },
      { mode: "session" },
    ]);
    expect(await ann.endpoint.missing(conversationId)).toEqual([]);
  });
});

test("[E96] [E98] of one conversation too many one session ends, and no other", async () => {
  const { gone, guest, leaves } = await anAgent({ conversationsInMemory: 3 });
  const { person, conversationId: first } = await guest("one");
  const others = [await guest("two"), await guest("three"), await guest("four")];
  await leaves(first);

  const isToldOfAnEnd = ({ events }: Member): boolean =>
    events.some(
      (event) =>
        event.type === "entry" && event.entry.seq > 3 && event.entry.content.kind === "other",
    );
  expect(gone).toEqual([first]);
  expect([person, ...others.map((other) => other.person)].map(isToldOfAnEnd)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

describe("what is under way stays in memory", () => {
  test("[E97] a stream that is being written, until it is done", async () => {
    const { agent, gone, guest, leaves } = await anAgent();
    const ann = await guest("write me a poem");
    const stream = must(await agent.endpoint.openStream(ann.conversationId));
    const ben = await guest("hello");
    await guest("good evening");
    await leaves(ben.conversationId);
    expect(gone).not.toContain(ann.conversationId);

    must(await stream.delta("Roses are red"));
    must(await stream.done());
    await ann.person.text("Roses are red");
    await guest("good night");

    await leaves(ann.conversationId);
  });

  test("[E97] an entry that the caller has not acknowledged, until it has", async () => {
    const { agent, gone, guest, leaves } = await anAgent({ acknowledge: "by-caller" });
    const ann = await guest("think about it");
    let isThinking = true;
    const acknowledge = ({ conversationId, seq }: Entry): void => {
      if (!isThinking || conversationId !== ann.conversationId)
        agent.endpoint.acknowledge(conversationId, seq);
    };
    agent.endpoint.on((event) => event.type === "entry" && acknowledge(event.entry));
    const ben = await guest("hello");
    await guest("good evening");
    await leaves(ben.conversationId);
    expect(gone).not.toContain(ann.conversationId);

    isThinking = false;
    agent.endpoint.acknowledge(ann.conversationId, Number.MAX_SAFE_INTEGER);
    await guest("good night");

    await leaves(ann.conversationId);
  });
});
