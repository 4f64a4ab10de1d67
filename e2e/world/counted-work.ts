/** Work given to counting agents, and what became of it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, textOf, type Member } from "../../src/peer/endpoint-world.contract.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { provisionAgent, runAgent, type ProvisionedAgent } from "./agent-process.ts";
import type { Program } from "./processes.ts";
import type { Stage } from "./stage.ts";

export type CountingAgent = {
  readonly account: ProvisionedAgent;
  /** Starts one more process; resolves once it is connected. */
  start(
    nodeArguments?: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<Program>;
  /** What was done, in order, with the process that did it. */
  done(): readonly { readonly pid: number; readonly text: string }[];
};

/** An agent without a process yet. */
export async function provisionCountingAgent(stage: Stage): Promise<CountingAgent> {
  const account = await provisionAgent(stage.dataFolder, stage.agentFolder);
  const effects = join(stage.agentFolder, "effects");
  writeFileSync(effects, "");
  return {
    account,
    start: (nodeArguments = [], env = {}) =>
      runAgent(
        "e2e/world/counting-agent.ts",
        account,
        stage.agentLine.url,
        { EFFECTS: effects, ...stage.agentEnv, ...env },
        nodeArguments,
      ),
    done: () =>
      readFileSync(effects, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.split("\t"))
        .map(([pid, , text]) => ({ pid: Number(pid), text: text ?? "" })),
  };
}

/** Asks for something; resolves when the relay has the command. */
export async function ask(
  person: Member,
  conversationId: ConversationId,
  text: string,
): Promise<string> {
  const queued = must(await person.endpoint.send(conversationId, { type: "text", text }));
  const { state } = await person.endpoint.settled(queued.messageId);
  if (state.status !== "acked") throw new Error(JSON.stringify(state));
  return text;
}

/** Resolves once every command was answered to the person. */
export async function answered(person: Member, commands: readonly string[]): Promise<void> {
  const open = new Set(commands);
  await person.entry((entry) => {
    open.delete(/^(?:surely )?done: (.*)$/.exec(textOf(entry) ?? "")?.[1] ?? "");
    return open.size === 0;
  });
}

/** What the person read, less the answers that say "surely" to what was answered before. */
export function withoutSureties(texts: readonly string[]): readonly string[] {
  const all = new Set(texts);
  return texts
    .filter((text) => !text.startsWith("surely ") || !all.has(text.slice("surely ".length)))
    .map((text) => text.replace(/^surely /, ""));
}
