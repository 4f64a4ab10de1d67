/**
 * B13: what an agent's process keeps for each person it has talked with. People come one after another, each asks once,
 * is answered and leaves; the figure is the growth of its heap over the second half of them, each weight after a garbage
 * collection: during the first, caches of a fixed size fill. `HASHEE_CONVERSATIONS_IN_MEMORY` is what the agent runs with.
 * Run: node bench/agent/memory.ts [people]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { provisionAgent, runAgent } from "../../e2e/world/agent-process.ts";
import { answered, ask } from "../../e2e/world/counted-work.ts";
import { WEIGHABLE, weigh, type Weight } from "../../e2e/world/weight.ts";
import { startWorld } from "../../src/peer/endpoint-world.contract.ts";
import { report } from "../report.ts";

const PEOPLE = Number(process.argv[2] ?? 1_000);
const STEPS = 6;
const AT_ONCE = 8;

const dataFolder = mkdtempSync(join(tmpdir(), "parley-bench-"));
const world = await startWorld({ dataFolder });
const account = await provisionAgent(dataFolder, join(dataFolder, "agent"));
const agent = await runAgent(
  "e2e/world/counting-agent.ts",
  account,
  world.url,
  { EFFECTS: join(dataFolder, "effects") },
  WEIGHABLE,
);

await comeAndGo(20);
const weights: Weight[] = [];
for (let step = 0; step < STEPS; step++) {
  await comeAndGo(PEOPLE / STEPS);
  const weight = await weigh(agent);
  weights.push(weight);
  console.log(`    ${((step + 1) * PEOPLE) / STEPS} people: ${shown(weight)}`);
}
const [first, last] = [weights[STEPS / 2 - 1], weights.at(-1)];
const people = PEOPLE / 2;
const held = ({ objects, external }: Weight): number => objects + external;
const each = first && last ? (held(last) - held(first)) / people : Number.NaN;
report({
  id: "B13",
  question: "what a conversation leaves in an agent's memory",
  figure: `${(each / 1_024).toFixed(2)} KiB each, over ${people} people`,
  goal: "2 KiB each or less",
  isMet: each <= 2_048,
});
await agent.stop();
await world.end();
rmSync(dataFolder, { recursive: true, force: true });

async function comeAndGo(count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - done) }, () => comeOnce()));
}

async function comeOnce(): Promise<void> {
  const person = await world.person();
  const conversationId = await world.meet(person, account);
  await ask(person, conversationId, "hello");
  await answered(person, ["hello"]);
  await person.endpoint.close(0);
}

function shown({ objects, external, rss }: Weight): string {
  const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(2);
  return `heap ${mib(objects)} MiB, beside it ${mib(external)} MiB, resident ${mib(rss)} MiB`;
}
