import { writeFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { ConversationId } from "../../src/protocol/ids.ts";
import type { EndpointEvent } from "../../src/peer/endpoint.ts";
import { runAgent } from "../world/agent-process.ts";
import { check, NONE, textsAcked, textsTold } from "../world/checker.ts";
import { answered, ask, withoutSureties } from "../world/counted-work.ts";
import { rounds, timed, timeoutMs } from "../world/profile.ts";
import { canSeveral, setupNodes, type NodesStage } from "../world/two-nodes.ts";

type EventOf<Type extends EndpointEvent["type"]> = Extract<EndpointEvent, { type: Type }>;

/** How long a client of a node that was killed may be without a relay. */
const MOVED_WITHIN_MS = 10_000;
const CONVERSATIONS = 4;
/** Everybody moves at each death, and nobody tries more than twelve times a minute: in a soak, none comes sooner. */
const DEATHS_APART_MS = rounds(0, 10_000);

/** An agent whose work is counted; its processes start at any address. */
async function aCountingAgent(stage: NodesStage) {
  const account = await stage.agent();
  const effects = join(stage.agentFolder, "effects");
  writeFileSync(effects, "");
  return {
    account,
    start: (url: string) =>
      runAgent("e2e/world/counting-agent.ts", account, url, { EFFECTS: effects }),
    done: (): readonly string[] =>
      readFileSync(effects, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.split("\t")[2] ?? ""),
  };
}

describe.skipIf(!canSeveral)("two relays on one PostgreSQL", () => {
  test(
    "[R43] [R46] a person at one and an agent at the other talk both ways, typing and stream included",
    timeoutMs(600_000, 600_000),
    async () => {
      const stage = await setupNodes(2);
      const [here, there] = stage.nodes;
      if (here === undefined || there === undefined) throw new Error("two nodes");
      stage.balancer.leadTo([here.port]);
      const account = await stage.agent();
      const agent = await runAgent("e2e/world/node-agent.ts", account, there.url);
      const ada = await stage.world.person();
      const conversationId = await stage.world.meet(ada, account);

      const typing = ada.until(
        (event): event is EventOf<"typing"> => event.type === "typing" && event.typing,
      );
      const streamed = ada.until(
        (event): event is EventOf<"stream-text"> => event.type === "stream-text",
      );
      await ask(ada, conversationId, "one two three four five six");
      const answer = await ada.text("one two three four five six ");

      expect((await typing).type).toBe("typing");
      expect((await streamed).type).toBe("stream-text");
      expect(answer.authorId).toBe(account.endpoint.accountId);
      expect(await here.counter("appends_total")).toBeGreaterThan(0);
      expect(await there.counter("appends_total")).toBeGreaterThan(0);
      await agent.kill();
      await stage.end();
    },
  );

  test(
    "[R44] an agent's processes share its work over both; a fourth puts one out, and each command is done once",
    timeoutMs(600_000, 600_000),
    async () => {
      const stage = await setupNodes(2);
      const [here, there] = stage.nodes;
      if (here === undefined || there === undefined) throw new Error("two nodes");
      const agent = await aCountingAgent(stage);
      const processes = [
        await agent.start(here.url),
        await agent.start(there.url),
        await agent.start(here.url),
      ];
      const ada = await stage.world.person();
      const conversations: ConversationId[] = [];
      for (let i = 0; i < CONVERSATIONS; i++)
        conversations.push(await stage.world.group(ada, [[agent.account, "agent"]]));
      const asked: string[] = [];
      const askAll = async (part: string): Promise<void> => {
        for (const [c, id] of conversations.entries())
          for (let i = 0; i < 4; i++) asked.push(await ask(ada, id, `${part} ${c}.${i}`));
      };

      await askAll("with three");
      await answered(ada, asked);
      const evictions = async (): Promise<number> =>
        (await here.counter("evictions_total")) + (await there.counter("evictions_total"));
      const before = await evictions();
      processes.push(await agent.start(there.url));
      // Looked at now: the one that is out comes back after half a minute, and puts out another.
      await expect.poll(evictions).toBe(before + 1);
      await askAll("with a fourth");
      await answered(ada, asked);

      const [places, left] = [await stage.places(), await stage.left()];
      const done = agent.done();
      for (const one of processes) await one.kill();
      await stage.end();
      const findings = check("a fourth process over two relays", {
        acked: { ada: textsAcked(ada), "the agent": asked.map((text) => `done: ${text}`) },
        read: { ada: withoutSureties(textsTold(ada)) },
        work: { asked, done },
        places,
        left,
      });
      expect(findings).toEqual(NONE);
    },
  );

  test(
    "[R45] one is killed in the middle of a counted conversation: clients move, nothing acknowledged is lost or done twice",
    timeoutMs(600_000, 1_800_000),
    async () => {
      const stage = await setupNodes(2);
      const agent = await aCountingAgent(stage);
      const processes = [
        await agent.start(stage.balancer.url),
        await agent.start(stage.balancer.url),
        await agent.start(stage.balancer.url),
      ];
      const people = [await stage.world.person(), await stage.world.person()];
      const [ada, ben] = people;
      if (ada === undefined || ben === undefined) throw new Error("two people");
      const talks = [
        { person: ada, id: await stage.world.group(ada, [[agent.account, "agent"]]) },
        { person: ben, id: await stage.world.group(ben, [[agent.account, "agent"]]) },
      ];
      const asked = new Map<(typeof people)[number], string[]>([
        [ada, []],
        [ben, []],
      ]);
      const deaths = rounds(2, 50);
      const movesMs: number[] = [];
      let slowestAnswerMs = 0;

      for (let death = 0; death < deaths; death++) {
        const askAll = (part: string, count: number): Promise<unknown> =>
          Promise.all(
            talks.map(async ({ person, id }, t) => {
              for (let i = 0; i < count; i++)
                asked.get(person)?.push(await ask(person, id, `${death} ${part} ${t}.${i}`));
            }),
          );
        await askAll("before", 3);
        const meanwhile = askAll("meanwhile", 6);
        // Everybody is at the one or the other: each death takes the one that was there longest.
        const victim = stage.nodes[0];
        if (victim === undefined) throw new Error("a node to kill");
        const diedAt = Date.now();
        await stage.kill(victim);
        await askAll("after", 1);
        movesMs.push(Date.now() - diedAt);
        await meanwhile;
        for (const person of people) await answered(person, asked.get(person) ?? []);
        slowestAnswerMs = Math.max(slowestAnswerMs, Date.now() - diedAt);
        await stage.startNode();
        await pause(Math.max(0, diedAt + DEATHS_APART_MS - Date.now()));
      }

      const [places, left] = [await stage.places(), await stage.left()];
      const done = agent.done();
      for (const one of processes) await one.kill();
      await stage.end();
      const all = [...asked.values()].flat();
      for (const [name, person] of Object.entries({ ada, ben })) {
        const own = asked.get(person) ?? [];
        const findings = check(
          `one of two relays dies, ${name}`,
          {
            acked: { [name]: textsAcked(person), "the agent": own.map((text) => `done: ${text}`) },
            read: { [name]: withoutSureties(textsTold(person)) },
            work: { because: "two share the agents: compared below" },
            places,
            left,
          },
          {
            deaths,
            "slowest move in ms": Math.max(...movesMs),
            "slowest answer in ms": slowestAnswerMs,
          },
        );
        expect(findings).toEqual(NONE);
      }
      expect(done.toSorted()).toEqual(all.toSorted());
      expect(timed(movesMs)).toBeLessThan(MOVED_WITHIN_MS);
    },
  );
});
