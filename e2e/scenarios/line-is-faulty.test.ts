import { describe, expect, test } from "vitest";
import type { Person } from "../../src/peer/endpoint-world.contract.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { check, NONE, placesKept, textsAcked, textsTold } from "../world/checker.ts";
import { answered, ask, provisionCountingAgent, withoutSureties } from "../world/counted-work.ts";
import type { Fault } from "../world/fault-line.ts";
import { createLeapingClock } from "../world/leaping-clock.ts";
import { isSoak, rounds, timeoutMs } from "../world/profile.ts";
import { setupStage, type Stage } from "../world/stage.ts";

const COMMANDS = rounds(4, 200);

/** A person and an agent's process who have met over a line that is still whole. */
async function setupTalk() {
  const stage = await setupStage();
  const agent = await provisionCountingAgent(stage);
  const process = await agent.start();
  const clock = createLeapingClock();
  const ada = await stage.world.person({ clock });
  const conversationId = await stage.world.meet(ada, agent.account);
  const asked: string[] = [];
  return {
    stage,
    ada,
    conversationId,
    clock,
    /** Asks for so many things at once; resolves when all are answered. */
    async talk(part: string, count = COMMANDS): Promise<void> {
      const texts = Array.from({ length: count }, (_, i) => `${part} ${i}`);
      asked.push(...texts);
      await Promise.all(texts.map((text) => ask(ada, conversationId, text)));
      await answered(ada, texts);
    },
    async end(story: string) {
      const kept = await placesKept(ada, conversationId);
      const done = agent.done().map(({ text }) => text);
      await process.kill();
      const places = { ...(await stage.curtain()), "ada's disk": kept };
      const { cuts } = stage.line;
      await stage.end();
      const answers = asked.map((text) => `done: ${text}`);
      return check(
        story,
        {
          acked: { ada: textsAcked(ada), "the agent": answers },
          read: { ada: withoutSureties(textsTold(ada)) },
          work: { asked, done },
          places,
        },
        { cuts },
      );
    },
  };
}

const comesBack = async (person: Person, since: number): Promise<void> => {
  let at = -1;
  await person.until((event): event is typeof event => {
    at += 1;
    return at >= since && event.type === "status" && event.status.status === "online";
  });
};

describe("a line that spoils how bytes come", () => {
  const FAULTS: readonly (readonly [string, Fault])[] = [
    ["byte by byte", { kind: "split", pieceBytes: 1 }],
    ["in pieces of 100 bytes", { kind: "split", pieceBytes: 100 }],
    ["many at once", { kind: "merged", withinMs: 50 }],
    ["late", { kind: "slow", delayMs: rounds(150, 3_000) }],
  ];
  test.each(FAULTS)(
    "[E40] [E43] everything that comes %s is read and done once, in order",
    timeoutMs(240_000, 1_200_000),
    async (name, fault) => {
      const { stage, talk, end } = await setupTalk();
      stage.line.become(fault);
      await talk("spoilt");
      // A line made anew under the fault, too.
      stage.line.cut();
      await talk("again");
      stage.line.become({ kind: "none" });
      await talk("whole");

      expect(await end(`line, ${name}`)).toEqual(NONE);
    },
  );
});

test(
  "[E62] [E40] a line cut in the midst of frames, either way, loses and repeats nothing",
  timeoutMs(240_000, 1_800_000),
  async () => {
    const { stage, talk, end } = await setupTalk();
    const cuts = rounds(6, 120);

    for (let cut = 0; cut < cuts; cut++) {
      // Somewhere within the head, the envelope or the next frame.
      stage.line.cutAfter(1 + ((cut * 997) % 4_000), cut % 2 === 0 ? "relay" : "endpoint");
      await talk(`cut ${cut}`);
    }

    expect(await end("line, cut mid-frame")).toEqual(NONE);
  },
);

test(
  "[E4] a line that is open and dead is found by its silence, and nothing said into it is lost",
  timeoutMs(240_000, 1_200_000),
  async () => {
    const { stage, ada, conversationId, clock, talk, end } = await setupTalk();
    const other = await anAgentInReach(stage, clock, ada);
    await talk("before");
    await other.talk("before, too");

    stage.line.become({ kind: "silent" });
    const into = ask(ada, other.conversationId, "into the void");
    stage.line.become({ kind: "none" });
    const since = ada.events.length;
    clock.sleep(120_000);
    await comesBack(ada, since);
    await into;
    await other.agent.text("into the void");
    expect(textsTold(other.agent).filter((text) => text === "into the void")).toHaveLength(1);

    // The agent's process has a clock of its own, and finds out only where there is time for that.
    if (!isSoak) stage.line.cut();
    await talk("after");
    expect(await ada.endpoint.ledger(conversationId)).not.toBeNull();
    expect(await end("line, half open")).toEqual(NONE);
  },
);

test(
  "[E5] [E8] a captive portal, a gateway that says 502 and 429, then a closed door: endpoints wait, come back and go on",
  timeoutMs(240_000, 1_200_000),
  async () => {
    const { stage, ada, talk, end } = await setupTalk();
    const doors = [
      { kind: "portal" },
      { kind: "gateway", says: "502 Bad Gateway" },
      { kind: "gateway", says: "429 Too Many Requests" },
      { kind: "refused" },
    ] as const;
    for (const [i, fault] of doors.entries()) {
      stage.line.become(fault);
      stage.line.cut();
      const since = ada.events.length;
      await waits(ada, since);
      stage.line.become({ kind: "none" });
      await talk(`door ${i}`);
    }

    expect(await end("line, portal, gateway and refusal")).toEqual(NONE);
  },
);

/** Resolves once the person's endpoint tried again and was turned away. */
const waits = async (person: Person, since: number): Promise<void> => {
  let [at, waiting] = [-1, 0];
  await person.until((event): event is typeof event => {
    at += 1;
    if (at >= since && event.type === "status" && event.status.status === "waiting") waiting += 1;
    return waiting >= 2;
  });
};

/** An agent in this process, so that its clock can leap with the person's. */
async function anAgentInReach(
  stage: Stage,
  clock: ReturnType<typeof createLeapingClock>,
  ada: Person,
) {
  const agent = await stage.world.agent({ clock });
  const conversationId: ConversationId = await stage.world.meet(ada, agent);
  return {
    agent,
    conversationId,
    async talk(text: string): Promise<void> {
      await ask(ada, conversationId, text);
      await agent.text(text);
    },
  };
}
