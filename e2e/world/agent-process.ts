/** An agent of the SDK as its owner runs it: keys and memory in a folder, any number of processes beside each other. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { must } from "../../src/peer/endpoint-world.contract.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { createOperator } from "../../src/relay/operator.ts";
import { startProgram, type Program } from "./processes.ts";

export type ProvisionedAgent = {
  readonly endpoint: { readonly accountId: AgentId };
  readonly token: string;
  readonly invite: string;
  /** What its processes share: vault, claims, effects, log. */
  readonly folder: string;
};

/** Has the operator of the relay with this data folder make an agent, whose own folder is `folder`. */
export async function provisionAgent(
  dataFolder: string,
  folder: string,
): Promise<ProvisionedAgent> {
  const operator = await createOperator(dataFolder, systemClock, systemRandom);
  const made = must(await operator.createAgent("Worker", "counts what it does"));
  await operator.close();
  mkdirSync(folder, { recursive: true });
  return {
    endpoint: { accountId: made.agent_id },
    token: made.token,
    invite: made.invite_code,
    folder,
  };
}

/** Starts one process of the agent; resolves once it is connected. */
export function runAgent(
  script: string,
  agent: ProvisionedAgent,
  url: string,
  env: Readonly<Record<string, string>> = {},
  nodeArguments: readonly string[] = [],
): Promise<Program & { readonly greeting: unknown }> {
  return startProgram(
    script,
    {
      HASHEE_AGENT_ID: agent.endpoint.accountId,
      HASHEE_AGENT_TOKEN: agent.token,
      HASHEE_BASE_URL: url,
      HASHEE_KEY_VAULT: join(agent.folder, "vault"),
      HASHEE_DEDUPE: join(agent.folder, "dedupe.sqlite"),
      ...env,
    },
    join(agent.folder, "agent.log"),
    nodeArguments,
  );
}
