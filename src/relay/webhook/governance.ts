/** An agent's standing as the relay itself finds it, written down and told to its creator. */
import type { AgentId } from "#protocol/ids.ts";
import type { Agent } from "#protocol/rest.ts";
import type { Directory } from "../directory/directory.ts";
import type { Relay } from "../relay.ts";
import type { Writer } from "../store/writer.ts";

export const createGovernance =
  (needs: { readonly writer: Writer; readonly directory: Directory; readonly relay: Relay }) =>
  async (agentId: AgentId, status: Agent["governance"], reason: string): Promise<void> => {
    const governed = await needs.writer.run("governAgent", { agentId, governance: status });
    const creator = (await needs.directory.agent(agentId))?.creator_id ?? null;
    if (!governed.ok || creator === null) return;
    needs.relay.tell(creator, { type: "agent.governance", agent_id: agentId, status, reason });
  };
