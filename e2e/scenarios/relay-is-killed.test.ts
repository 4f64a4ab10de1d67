import { expect, test } from "vitest";
import { must, type Member } from "../../src/peer/endpoint-world.contract.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import {
  check,
  NONE,
  placesKept,
  TALK_ONLY,
  textsAcked,
  textsHeard,
  textsTold,
} from "../world/checker.ts";
import { createHurry } from "../world/hurry.ts";
import { createLeapingClock } from "../world/leaping-clock.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { setupStage } from "../world/stage.ts";

const RELAYS = 4;
const KILLS = rounds(20, 200) / RELAYS;
const BURST = 5;

const say = async (member: Member, conversationId: ConversationId, text: string) =>
  must(await member.endpoint.send(conversationId, { type: "text", text }));

const said = async (member: Member, conversationId: ConversationId, text: string) =>
  member.endpoint.settled((await say(member, conversationId, text)).messageId);

/** A person and an agent who talk while their relay is killed again and again, each time at another moment. */
async function talkThroughKills(name: string) {
  const stage = await setupStage();
  const { world } = stage;
  const clock = createLeapingClock();
  const hurry = createHurry(clock);
  const [ada, agent] = [await world.person({ clock }), await world.agent({ clock })];
  for (const member of [ada, agent]) hurry.follow(member);
  const conversationId = await world.meet(ada, agent);

  for (let kill = 0; kill < KILLS; kill++) {
    const queued = [];
    for (let i = 0; i < BURST; i++) queued.push(await say(ada, conversationId, `${kill}.${i}`));
    const stream = must(await agent.endpoint.openStream(conversationId));
    await stream.delta(`answer ${kill} `);
    await say(agent, conversationId, `between ${kill}`);
    // The cut falls elsewhere in the burst each time.
    const before = queued.slice(0, kill % (BURST + 1));
    await Promise.all(before.map(({ messageId }) => ada.endpoint.settled(messageId)));
    await hurry.without(async () => {
      const restart = await world.stopRelay();
      await stream.delta("goes on");
      await restart();
    });
    if (kill % 2 === 0) must(await stream.done());
    else await stream.abort();
    await agent.text(`${kill}.${BURST - 1}`);
  }
  await Promise.all([
    said(ada, conversationId, "end"),
    said(agent, conversationId, "end, too"),
    agent.text("end"),
    ada.text("end, too"),
  ]);

  const kept = await placesKept(ada, conversationId);
  const acked = { ada: textsAcked(ada), "the agent": textsAcked(agent) };
  const read = { ada: textsTold(ada), "the agent": textsHeard(agent) };
  const { places: stored, left } = await stage.curtain();
  const places = { ...stored, "ada's disk": kept };
  await stage.end();
  return check(
    `relay-is-killed, ${name}`,
    { acked, read, work: TALK_ONLY, places, left },
    { kills: KILLS },
  );
}

test(
  `[R2] over ${KILLS * RELAYS} kills in mid-send and mid-stream nothing acknowledged is lost and nothing appears twice`,
  timeoutMs(600_000, 1_800_000),
  async () => {
    // Several relays at once: each is a machine's work for some seconds, most of it waiting.
    const names = Array.from({ length: RELAYS }, (_, i) => `relay ${i + 1}`);

    const findings = await Promise.all(names.map(talkThroughKills));

    expect(findings).toEqual(names.map(() => NONE));
  },
);
