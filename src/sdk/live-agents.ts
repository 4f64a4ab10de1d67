/** The agents that run in this process, by id: whose keys a plain REST call may be sealed with. */
import type { Sender } from "./outgoing/sender.ts";

const senderByAgent = new Map<string, Sender>();

/** Makes an agent known; the returned function forgets it. */
export function registerLive(agentId: string, sender: Sender): () => void {
  senderByAgent.set(agentId, sender);
  return () => {
    if (senderByAgent.get(agentId) === sender) senderByAgent.delete(agentId);
  };
}

export const liveSender = (agentId: string): Sender | undefined => senderByAgent.get(agentId);
