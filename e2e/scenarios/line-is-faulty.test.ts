import { describe, expect, test } from "vitest";
import type { Person } from "../../src/peer/endpoint-world.contract.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { NONE, textsTold } from "../world/checker.ts";
import { ask } from "../world/counted-work.ts";
import type { Fault } from "../world/fault-line.ts";
import { COMMANDS, COMMANDS_A_CUT, setupTalk, waits } from "../world/faulty-talk.ts";
import { createLeapingClock } from "../world/leaping-clock.ts";
import { isSoak, rounds, timeoutMs } from "../world/profile.ts";
import type { Stage } from "../world/stage.ts";

const comesBack = async (person: Person, since: number): Promise<void> => {
  let at = -1;
  await person.until((event): event is typeof event => {
    at += 1;
    return at >= since && event.type === "status" && event.status.status === "online";
  });
};

/** Waits between tries grow to 30 s. */
const UNHURRIED = { timeout: 250_000, interval: 50 };

/** Of a conversation one message is on its way at a time: on a slow line each costs the whole way there and back. */
const COMMANDS_WHILE_SLOW = rounds(4, 40);

describe("a line that spoils how bytes come", () => {
  const FAULTS: readonly (readonly [string, Fault, number])[] = [
    ["byte by byte", { kind: "split", pieceBytes: 1 }, COMMANDS],
    ["in pieces of 100 bytes", { kind: "split", pieceBytes: 100 }, COMMANDS],
    ["many at once", { kind: "merged", withinMs: 50 }, COMMANDS],
    // Three seconds there and back: over five nobody signs in on a line made anew (P82).
    ["late", { kind: "slow", delayMs: rounds(150, 1_500) }, COMMANDS_WHILE_SLOW],
  ];
  test.each(FAULTS)(
    "[E40] [E43] everything that comes %s is read and done once, in order",
    timeoutMs(600_000, 1_200_000),
    async (name, fault, commands) => {
      const { stage, talk, end } = await setupTalk();
      stage.line.become(fault);
      await talk("spoilt", commands);
      // A line made anew under the fault, too.
      stage.line.cut();
      await talk("again", commands);
      stage.line.become({ kind: "none" });
      await talk("whole");

      expect(await end(`line, ${name}`)).toEqual(NONE);
    },
  );
});

test(
  "[E62] [E40] a line cut in the midst of frames, either way, loses and repeats nothing",
  timeoutMs(600_000, 1_800_000),
  async () => {
    const { stage, talk, end } = await setupTalk();
    const cuts = rounds(6, 120);

    for (let cut = 0; cut < cuts; cut++) {
      // Somewhere within the head, the envelope or the next frame.
      stage.line.cutAfter(1 + ((cut * 997) % 4_000), cut % 2 === 0 ? "relay" : "endpoint");
      await talk(`cut ${cut}`, COMMANDS_A_CUT);
    }

    expect(await end("line, cut mid-frame")).toEqual(NONE);
  },
);

test(
  "[E4] a line that is open and dead is found by its silence, and nothing said into it is lost",
  timeoutMs(600_000, 1_200_000),
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
  "[E5] [E8] a captive portal, a gateway that says 502 and 429, then a closed door: a person's endpoint and an agent's SDK wait, come back and go on",
  timeoutMs(600_000, 1_200_000),
  async () => {
    const { stage, ada, talk, end } = await setupTalk({ agentsApart: true });
    const { line, agentLine } = stage;
    const doors = [
      { kind: "portal" },
      { kind: "gateway", says: "502 Bad Gateway" },
      { kind: "gateway", says: "429 Too Many Requests" },
      { kind: "refused" },
    ] as const;
    for (const [i, fault] of doors.entries()) {
      const since = ada.events.length;
      for (const one of [line, agentLine]) {
        one.become(fault);
        one.cut();
      }
      const { arrivals } = agentLine;
      await waits(ada, since);
      await expect.poll(() => agentLine.arrivals, UNHURRIED).toBeGreaterThan(arrivals);
      for (const one of [line, agentLine]) one.become({ kind: "none" });
      await talk(`door ${i}`);
    }

    expect(await end("line, portal, gateway and refusal")).toEqual(NONE);
  },
);

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
