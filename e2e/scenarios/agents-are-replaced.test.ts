import { expect, test } from "vitest";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { check, NONE, placesKept, textsAcked, textsTold } from "../world/checker.ts";
import { answered, ask, provisionCountingAgent, withoutSureties } from "../world/counted-work.ts";
import type { Program } from "../world/processes.ts";
import { isSoak, rounds, timeoutMs } from "../world/profile.ts";
import { setupStage } from "../world/stage.ts";

const CONVERSATIONS = 4;
const AHEAD = 4;

/** A person with several conversations with one agent, who keeps asking in all of them until told to stop. */
async function setupLoad() {
  const stage = await setupStage();
  const agent = await provisionCountingAgent(stage);
  const processes: Program[] = [await agent.start()];
  const ada = await stage.world.person();
  const conversations: ConversationId[] = [];
  for (let i = 0; i < CONVERSATIONS; i++)
    conversations.push(await stage.world.group(ada, [[agent.account, "agent"]]));
  const asked: string[] = [];
  const over = new AbortController();
  const load = Promise.all(
    conversations.map(async (conversationId, c) => {
      for (let i = 0; !over.signal.aborted; i++) {
        const text = await ask(ada, conversationId, `${c}.${i}`);
        asked.push(text);
        // A few ahead of the answers, so that every process always has some on its hands.
        if (i % AHEAD === AHEAD - 1) await answered(ada, [text]);
      }
    }),
  );
  return {
    agent,
    processes,
    asked,
    /** Resolves when so many commands more are answered. */
    async someMoreAnswered(count: number): Promise<void> {
      let left = count;
      const last = ada.events.length;
      let at = -1;
      await ada.until((event): event is typeof event => {
        at += 1;
        if (at < last || event.type !== "entry") return false;
        if (event.entry.authorId === agent.account.endpoint.accountId) left -= 1;
        return left <= 0;
      });
    },
    /** Ends the load and everything else; the checker's verdict. */
    async end(story: string, more: Readonly<Record<string, number>>) {
      over.abort();
      await load;
      await answered(ada, asked);
      const kept = await Promise.all(
        conversations.map(async (id, c) => [`disk ${c}`, await placesKept(ada, id)] as const),
      );
      for (const one of processes) await one.kill();
      const done = agent.done().map(({ text }) => text);
      const { places, left } = await stage.curtain();
      await stage.end();
      return check(
        story,
        {
          acked: { ada: textsAcked(ada), "the agent": asked.map((text) => `done: ${text}`) },
          read: { ada: withoutSureties(textsTold(ada)) },
          work: { asked, done },
          places: { ...Object.fromEntries(kept), ...places },
          left,
        },
        more,
      );
    },
  };
}

test(
  "[K6] [K18] an agent updated one process after the other, under load, does every command once",
  timeoutMs(600_000, 1_200_000),
  async () => {
    const story = await setupLoad();
    const { agent, processes } = story;
    processes.push(await agent.start());
    const turns = rounds(3, 40);

    for (let turn = 0; turn < turns; turn++) {
      await story.someMoreAnswered(8);
      await processes.shift()?.stop();
      processes.push(await agent.start());
    }
    await story.someMoreAnswered(8);

    const findings = await story.end("rolling restart", { replaced: turns });
    expect(findings).toEqual(NONE);
  },
);

// An evicted process comes back after 30 to 60 s, with what it had begun; a soak has time for that.
test.runIf(isSoak)(
  "[K6] [S16] a fourth process that drives one of three off its line costs no command and repeats none",
  timeoutMs(600_000, 1_200_000),
  async () => {
    const story = await setupLoad();
    const { agent, processes } = story;
    processes.push(...(await Promise.all([agent.start(), agent.start()])));
    const turns = rounds(1, 10);

    for (let turn = 0; turn < turns; turn++) {
      await story.someMoreAnswered(8);
      processes.push(await agent.start());
      await story.someMoreAnswered(8);
      await processes.shift()?.stop();
    }

    const findings = await story.end("a fourth process", { joined: turns });
    expect(findings).toEqual(NONE);
  },
);

test(
  "[K6] [K18] an agent replaced as a whole, blue by green and back, under load, does every command once",
  timeoutMs(600_000, 1_200_000),
  async () => {
    const story = await setupLoad();
    const { agent, processes } = story;
    const turns = rounds(2, 30);

    for (let turn = 0; turn < turns; turn++) {
      await story.someMoreAnswered(8);
      const green = await agent.start();
      const blue = processes.splice(0);
      processes.push(green);
      await Promise.all(blue.map((one) => one.stop()));
      await story.someMoreAnswered(8);
    }

    const findings = await story.end("blue-green", { replaced: turns });
    expect(findings).toEqual(NONE);
  },
);
