import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { runProgram } from "./agent-program.contract.ts";
import { aFolder, anAgentWorld, environmentOf } from "./agent-world.contract.ts";

test("[K6] what a killed process had begun comes to a process that runs beside it, once", async () => {
  const world = await anAgentWorld();
  const provisioned = await world.provision("Twins");
  const program = join(aFolder(), "twin.mjs");
  const sdk = pathToFileURL(join(import.meta.dirname, "index.ts")).href;
  writeFileSync(
    program,
    `import { HasheeAgent } from ${JSON.stringify(sdk)};
    const agent = await HasheeAgent.init();
    agent.addMessageHandler(async (msg) => {
      console.log(msg.interrupted ? "again" : "begun", msg.payload.text);
      if (msg.payload.text === "endless" && !msg.interrupted) await new Promise(() => {});
    });
    console.log("up", agent.status);`,
  );
  const environment = environmentOf(world.url, provisioned);
  const twins = [runProgram(program, environment), runProgram(program, environment)];
  await Promise.all(twins.map((twin) => twin.prints("up connected")));
  const alice = await world.person("Alice");
  const conversationId = await alice.meet(provisioned, null);
  await alice.say(conversationId, "endless");
  const begun = await Promise.race(
    twins.map(async (twin) => (await twin.prints("begun endless"), twin)),
  );
  const other = twins.find((twin) => twin !== begun);

  await begun.stop("SIGKILL");
  await other?.prints("again endless");
  await alice.say(conversationId, "go on");
  await other?.prints("begun go on");

  expect(other?.lines.filter((line) => /begun|again/.test(line))).toEqual([
    "again endless",
    "begun go on",
  ]);
});
