import { expect, test } from "vitest";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { textOf, type Member } from "../../src/peer/endpoint-world.contract.ts";
import { check, NONE } from "../world/checker.ts";
import { answered, ask, provisionCountingAgent } from "../world/counted-work.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { setupStage } from "../world/stage.ts";
import { WEIGHABLE, weigh } from "../world/weight.ts";

const FREE = { perSecond: 1_000_000, burst: 1_000_000 };
const IN_MEMORY = 10;
const PEOPLE = 8;
const CONVERSATIONS = rounds(200, 2_000);
/** The first ones warm the program up. */
const WARM = CONVERSATIONS / 4;
/** Of what about 30 KB each would be. */
const MOST_BYTES_EACH = 4_096;

type Room = { readonly person: Member; readonly conversationId: ConversationId };

test.skipIf(process.platform !== "linux")(
  "[S13] [K45] an agent that may keep ten conversations in memory has hundreds: each message is answered once, old ones go on, and the ones at rest weigh next to nothing",
  timeoutMs(480_000, 3_600_000),
  async () => {
    const stage = await setupStage({ rates: { frames: FREE, deltas: FREE, restByAddress: FREE } });
    const worker = await provisionCountingAgent(stage);
    const agent = await worker.start(WEIGHABLE, {
      HASHEE_CONVERSATIONS_IN_MEMORY: String(IN_MEMORY),
    });
    const people = await Promise.all(Array.from({ length: PEOPLE }, () => stage.world.person()));
    const rooms: Room[] = [];
    const asked = new Map<Member, string[]>(people.map((person) => [person, []]));

    const talk = async ({ person, conversationId }: Room, text: string): Promise<void> => {
      asked.get(person)?.push(await ask(person, conversationId, text));
      await answered(person, [text]);
    };
    const open = async (person: Member): Promise<void> => {
      const conversationId = await stage.world.group(person, [[worker.account, "agent"]]);
      const room = { person, conversationId };
      rooms.push(room);
      await talk(room, `first words in ${conversationId}`);
    };
    const openUntil = async (count: number): Promise<void> => {
      while (rooms.length < count) await Promise.all(people.map(open));
    };

    await openUntil(WARM);
    const weight = async (): Promise<number> => {
      const { objects, external } = await weigh(agent);
      return objects + external;
    };
    let before = Number.POSITIVE_INFINITY;
    // They leave one by one: at rest once it gets no lighter.
    await expect
      .poll(async () => before - (before = await weight()), { timeout: 120_000, interval: 1_000 })
      .toBeLessThan(MOST_BYTES_EACH);
    await openUntil(CONVERSATIONS);
    const weighEach = async (): Promise<number> =>
      ((await weight()) - before) / (rooms.length - WARM);
    let bytesEach = Number.NaN;
    await expect
      .poll(async () => (bytesEach = await weighEach()), { timeout: 120_000, interval: 1_000 })
      .toBeLessThan(MOST_BYTES_EACH);

    // Every tenth comes back, the very first among them.
    for (const [i, room] of rooms.entries())
      if (i % 10 === 0) await talk(room, `back in ${room.conversationId}`);
    const missing = await Promise.all(
      rooms.map(({ person, conversationId }) => person.endpoint.missing(conversationId)),
    );
    const gaps = people.flatMap(({ events }) =>
      events.filter(
        (event) =>
          event.type === "entry" &&
          event.entry.content.kind === "message" &&
          event.entry.content.gap,
      ),
    );
    expect([missing.flat(), gaps]).toEqual([[], []]);

    const answers = people.flatMap((person) =>
      person.events.flatMap((event) => {
        const text = event.type === "entry" ? textOf(event.entry) : null;
        return text?.startsWith("done: ") ? text.slice("done: ".length) : [];
      }),
    );
    const done = worker.done().map(({ text }) => text);
    await agent.kill();
    const { places, left } = await stage.curtain();
    await stage.end();
    const all = [...asked.values()].flat();
    const findings = check(
      "many",
      {
        acked: { people: all },
        read: { "people, in the agent's answers": answers },
        work: { asked: all, done },
        places,
        left,
      },
      { "bytes more each": Math.round(bytesEach) },
    );
    expect(findings).toEqual(NONE);
  },
);
