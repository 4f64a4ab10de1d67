import { expect, test } from "vitest";
import {
  must,
  startWorld,
  type Launch,
  type Member,
} from "../../src/peer/endpoint-world.contract.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { createRelayServer } from "../../src/relay/relay-server.ts";
import {
  check,
  NONE,
  placesKept,
  TALK_ONLY,
  textsAcked,
  textsHeard,
  textsTold,
} from "../world/checker.ts";
import { createLeapingClock, type LeapingClock } from "../world/leaping-clock.ts";
import { filesOf } from "../world/left-behind.ts";
import { timeoutMs } from "../world/profile.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const say = async (member: Member, conversationId: ConversationId, text: string): Promise<void> => {
  const queued = must(await member.endpoint.send(conversationId, { type: "text", text }));
  const { state } = await member.endpoint.settled(queued.messageId);
  if (state.status !== "acked") throw new Error(JSON.stringify(state));
};

const comesBack = async (member: Member, since: number): Promise<void> => {
  let at = -1;
  await member.until((event): event is typeof event => {
    at += 1;
    return at >= since && event.type === "status" && event.status.status === "online";
  });
};

type Clocks = Readonly<Record<"person" | "agent" | "relay", LeapingClock>>;

/** Two who talk before, between and after whatever happens to their clocks. */
async function talkWhile(story: string, jumps: readonly ((clocks: Clocks) => void)[]) {
  const clocks = {
    person: createLeapingClock(),
    agent: createLeapingClock(),
    relay: createLeapingClock(),
  };
  let dataFolder = "";
  const launch: Launch = (options) => {
    ({ dataFolder } = options);
    return createRelayServer(options);
  };
  const world = await startWorld({ clock: clocks.relay }, { launch });
  const ada = await world.person({ clock: clocks.person });
  const agent = await world.agent({ clock: clocks.agent });
  const conversationId = await world.meet(ada, agent);
  const exchange = async (part: string): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await Promise.all([
        say(ada, conversationId, `${part} ${i}`),
        agent.text(`${part} ${i}`),
        say(agent, conversationId, `${part} ${i}, answered`),
        ada.text(`${part} ${i}, answered`),
      ]);
    }
  };

  await exchange("before");
  for (const [i, jump] of jumps.entries()) {
    jump(clocks);
    await exchange(`after jump ${i}`);
    // A line made anew signs in under the changed clock.
    const since = [ada.events.length, agent.events.length] as const;
    ada.socket.drop();
    agent.socket.drop();
    await Promise.all([comesBack(ada, since[0]), comesBack(agent, since[1])]);
    await exchange(`after jump ${i}, anew`);
  }

  const places = { "ada's disk": await placesKept(ada, conversationId) };
  const acked = { ada: textsAcked(ada), "the agent": textsAcked(agent) };
  const read = { ada: textsTold(ada), "the agent": textsHeard(agent) };
  const left = filesOf(dataFolder);
  await world.end();
  return check(story, { acked, read, work: TALK_ONLY, places, left }, { jumps: jumps.length });
}

test(
  "[E40] [E43] a person's clock set a day back, two forward and right again loses and repeats nothing",
  timeoutMs(600_000, 600_000),
  async () => {
    const findings = await talkWhile("clocks, the person's", [
      ({ person }) => person.set(-DAY_MS),
      ({ person }) => person.set(2 * DAY_MS),
      ({ person }) => person.set(-DAY_MS),
    ]);

    expect(findings).toEqual(NONE);
  },
);

test(
  "[E40] [E43] an agent's clock set a day back and two forward loses and repeats nothing",
  timeoutMs(600_000, 600_000),
  async () => {
    const findings = await talkWhile("clocks, the agent's", [
      ({ agent }) => agent.set(-DAY_MS),
      ({ agent }) => agent.set(2 * DAY_MS),
    ]);

    expect(findings).toEqual(NONE);
  },
);

test(
  "[S13] a relay's clock set an hour back, a day forward and right again loses and repeats nothing",
  timeoutMs(600_000, 600_000),
  async () => {
    const findings = await talkWhile("clocks, the relay's", [
      ({ relay }) => relay.set(-HOUR_MS),
      ({ relay }) => relay.set(DAY_MS + HOUR_MS),
      ({ relay }) => relay.set(-DAY_MS),
    ]);

    expect(findings).toEqual(NONE);
  },
);

test(
  "[E4] a laptop that slept for an hour comes back and goes on",
  timeoutMs(600_000, 600_000),
  async () => {
    const findings = await talkWhile("clocks, asleep", [
      ({ person }) => person.sleep(HOUR_MS),
      ({ person, agent, relay }) => {
        for (const clock of [person, agent, relay]) clock.sleep(HOUR_MS);
      },
    ]);

    expect(findings).toEqual(NONE);
  },
);
