/** A conversation between a person and an agent's process over lines that can be spoilt, counted to the end. */
import type { Person } from "../../src/peer/endpoint-world.contract.ts";
import { check, placesKept, textsAcked, textsTold } from "./checker.ts";
import { answered, ask, provisionCountingAgent, withoutSureties } from "./counted-work.ts";
import { createLeapingClock } from "./leaping-clock.ts";
import { rounds } from "./profile.ts";
import { setupStage, type StageOptions } from "./stage.ts";

/** What is asked for at once, unless a story says otherwise. */
export const COMMANDS = rounds(4, 200);
/** Where there are many cuts: each falls among the first of them. */
export const COMMANDS_A_CUT = rounds(4, 25);

/** A person and an agent's process who have met over a line that is still whole. */
export async function setupTalk(options: StageOptions = {}) {
  const stage = await setupStage(options);
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
      const { places, left } = await stage.curtain();
      const cuts = stage.line.cuts + (stage.agentLine === stage.line ? 0 : stage.agentLine.cuts);
      await stage.end();
      const answers = asked.map((text) => `done: ${text}`);
      return check(
        story,
        {
          acked: { ada: textsAcked(ada), "the agent": answers },
          read: { ada: withoutSureties(textsTold(ada)) },
          work: { asked, done },
          places: { ...places, "ada's disk": kept },
          left,
        },
        { cuts },
      );
    },
  };
}

/** Resolves once the person's endpoint tried again and was turned away, twice. */
export const waits = async (person: Person, since: number): Promise<void> => {
  let [at, waiting] = [-1, 0];
  await person.until((event): event is typeof event => {
    at += 1;
    if (at >= since && event.type === "status" && event.status.status === "waiting") waiting += 1;
    return waiting >= 2;
  });
};
