import { expect, test } from "vitest";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { textOf, type Member } from "../../src/peer/endpoint-world.contract.ts";
import { check, NONE } from "../world/checker.ts";
import {
  answered,
  ask,
  provisionCountingAgent,
  type CountingAgent,
} from "../world/counted-work.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { setupStage } from "../world/stage.ts";
import { WEIGHABLE, weigh } from "../world/weight.ts";

const FREE = { perSecond: 1_000_000, burst: 1_000_000 };
const IN_MEMORY = 10;
const PEOPLE = 8;
const CONVERSATIONS = rounds(200, 2_000);
/** The first ones warm the program up. */
const WARM = CONVERSATIONS / 4;
/**
 * Of what about 30 KB each would be. The engine's own grows as well, as it warms up: over many conversations that is
 * little for each.
 */
const MOST_BYTES_EACH = rounds(8_192, 4_096);
const PATIENT = { timeout: 300_000, interval: 1_000 };

type Room = { readonly person: Member; readonly conversationId: ConversationId };

/** Where the agent has said that its session ends, which is how it leaves. */
const leftBy = ({ events }: Member, { account }: CountingAgent): ReadonlySet<ConversationId> =>
  new Set(
    events.flatMap((event) =>
      event.type === "entry" &&
      event.entry.authorId === account.endpoint.accountId &&
      event.entry.content.kind === "other" &&
      event.entry.content.frameType === "control"
        ? event.entry.conversationId
        : [],
    ),
  );

test.skipIf(process.platform !== "linux")(
  "[S13] [K45] an agent that may keep ten conversations in memory has hundreds: each message is answered once, old ones go on, and the ones at rest weigh next to nothing",
  timeoutMs(1_200_000, 3_600_000),
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

    const weight = async (): Promise<number> => {
      const { objects, external } = await weigh(agent);
      return objects + external;
    };
    /** Nothing is weighed before all but ten have left memory, however long a machine takes for that. */
    const othersAtRest = () =>
      expect
        .poll(() => people.flatMap((person) => [...leftBy(person, worker)]).length, PATIENT)
        .toBeGreaterThanOrEqual(rooms.length - IN_MEMORY);

    await openUntil(WARM);
    await othersAtRest();
    const before = await weight();
    await openUntil(CONVERSATIONS);
    await othersAtRest();
    let bytesEach = Number.NaN;
    // The last ones leave a moment after they said so.
    await expect
      .poll(async () => {
        bytesEach = ((await weight()) - before) / (rooms.length - WARM);
        return bytesEach;
      }, PATIENT)
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
