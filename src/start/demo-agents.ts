/** The agents a new relay comes with: made once by the operator's command, remembered beside the relay's data. */
import { execFile } from "node:child_process";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export type DemoAgent = {
  readonly name: string;
  readonly script: string;
  readonly description: string;
  /** What a person could ask first. */
  readonly suggestions: readonly string[];
};
export type ProvisionedAgent = DemoAgent & {
  readonly agentId: string;
  readonly token: string;
  readonly inviteCode: string;
};

export const DEMO_AGENTS: readonly DemoAgent[] = [
  {
    name: "Guide",
    script: "guide.ts",
    description: "Shows what a conversation can hold: formatting, streaming, cards, approvals.",
    suggestions: ["What can you show me?"],
  },
  {
    name: "Echo",
    script: "echo.ts",
    description: "Says back what you say. Ten lines of code.",
    suggestions: ["Hello", "**Bold** and `code`", "你好"],
  },
  {
    name: "Model",
    script: "llm.ts",
    description: "Passes your words to a language model of your choice.",
    suggestions: ["Who are you?", "Explain end-to-end encryption in three sentences."],
  },
];

const run = promisify(execFile);

/** The demo agents with their ids and tokens; those this data folder does not know yet are created. */
export async function provisionAgents(
  relayScript: string,
  folder: string,
): Promise<readonly ProvisionedAgent[]> {
  const file = join(folder, "demo-agents.json");
  const known = await readKnown(file);
  const agents: ProvisionedAgent[] = [];
  for (const agent of DEMO_AGENTS) {
    const before = known.find((one) => one.name === agent.name);
    agents.push({ ...agent, ...(before ?? (await createAgent(relayScript, folder, agent))) });
  }
  await writePrivately(
    file,
    agents.map(({ name, agentId, token, inviteCode }) => ({ name, agentId, token, inviteCode })),
  );
  return agents;
}

/** Has the relay show agents to newcomers; the fingerprints come from the agents themselves. */
export async function offerAgents(
  relayScript: string,
  folder: string,
  agents: readonly { readonly agentId: string; readonly fingerprint: string }[],
): Promise<void> {
  // Behind an equals sign: it may begin as an option does.
  const offer = ({ agentId, fingerprint }: (typeof agents)[number]): Promise<unknown> =>
    operate(relayScript, folder, [
      "agent",
      "offer",
      "--id",
      agentId,
      `--fingerprint=${fingerprint}`,
    ]);
  await Promise.all(agents.map(offer));
}

type Known = Pick<ProvisionedAgent, "name" | "agentId" | "token" | "inviteCode">;

async function readKnown(file: string): Promise<readonly Known[]> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as readonly Known[];
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw failure;
  }
}

async function createAgent(
  relayScript: string,
  folder: string,
  agent: DemoAgent,
): Promise<Omit<Known, "name">> {
  const made = (await operate(relayScript, folder, [
    "agent",
    "create",
    "--name",
    agent.name,
    "--description",
    agent.description,
    ...agent.suggestions.flatMap((line) => ["--suggest", line]),
  ])) as { agent_id: string; token: string; invite_code: string };
  return { agentId: made.agent_id, token: made.token, inviteCode: made.invite_code };
}

/** Runs a command of the operator; gives what it prints. */
async function operate(
  relayScript: string,
  folder: string,
  words: readonly string[],
): Promise<unknown> {
  const { stdout } = await run(process.execPath, [relayScript, ...words, "--json"], {
    env: { ...process.env, PARLEY_DATA: folder },
  });
  return JSON.parse(stdout);
}

async function writePrivately(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(value, null, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
