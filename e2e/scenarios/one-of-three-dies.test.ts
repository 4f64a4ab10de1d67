import { expect, test } from "vitest";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { check, NONE, textsAcked, textsTold } from "../world/checker.ts";
import { answered, ask, provisionCountingAgent, withoutSureties } from "../world/counted-work.ts";
import type { Program } from "../world/processes.ts";
import { rounds, timed, timeoutMs } from "../world/profile.ts";
import { setupStage } from "../world/stage.ts";

const CONVERSATIONS = 6;
const COMMANDS = 10;
/** How long a command of a process that died may wait for another one. */
const HAND_OVER_MS = 5_000;

test(
  "[K6] of three processes with one key one dies at work: the others go on, and each command is done once",
  timeoutMs(600_000, 1_800_000),
  async () => {
    const stage = await setupStage();
    const agent = await provisionCountingAgent(stage);
    const processes: Program[] = await Promise.all([agent.start(), agent.start(), agent.start()]);
    const ada = await stage.world.person();
    const conversations: ConversationId[] = [];
    for (let i = 0; i < CONVERSATIONS; i++)
      conversations.push(await stage.world.group(ada, [[agent.account, "agent"]]));
    const asked: string[] = [];
    const deaths = rounds(3, 100);
    const handOversMs: number[] = [];
    let workers = 0;

    for (let death = 0; death < deaths; death++) {
      const askAll = (part: string, count: number): Promise<unknown> =>
        Promise.all(
          conversations.map(async (id, c) => {
            for (let i = 0; i < count; i++)
              asked.push(await ask(ada, id, `${death} ${part} ${c}.${i}`));
          }),
        );
      const doneBefore = agent.done().length;
      await askAll("before", COMMANDS / 2);
      await answered(ada, asked);
      workers += new Set(
        agent
          .done()
          .slice(doneBefore)
          .map(({ pid }) => pid),
      ).size;
      const held = await ask(
        ada,
        conversations[death % CONVERSATIONS] as ConversationId,
        `hold ${death}`,
      );
      asked.push(held);
      const holder = await Promise.race(processes.map((one) => one.tells(held).then(() => one)));
      // The cut falls among commands that the same process has been given.
      const meanwhile = askAll("meanwhile", COMMANDS / 2);
      await holder.kill();
      const diedAt = Date.now();
      await answered(ada, [held]);
      handOversMs.push(Date.now() - diedAt);
      await meanwhile;
      await answered(ada, asked);
      processes.splice(processes.indexOf(holder), 1, await agent.start());
    }

    const done = agent.done().map(({ text }) => text);
    const answers = asked.map((text) => `done: ${text}`);
    for (const one of processes) await one.kill();
    const { places, left } = await stage.curtain();
    await stage.end();
    const findings = check(
      "one of three dies",
      {
        acked: { ada: textsAcked(ada), "the agent": answers },
        read: { ada: withoutSureties(textsTold(ada)) },
        work: { asked, done },
        places,
        left,
      },
      { deaths, "slowest hand-over in ms": Math.max(...handOversMs) },
    );
    expect(findings).toEqual(NONE);
    expect(timed(handOversMs)).toBeLessThan(HAND_OVER_MS);
    // Every conversation has one process at a time, and together they use more than one.
    expect(workers).toBeGreaterThan(deaths);
  },
);
