import type { OwnAgentView } from "#stores/views.ts";
import type { TextKey } from "#ui/text/tables.ts";

/** How an agent stands, in words: what keeps it from answering first. */
export function agentStatus({ standing, hasKeys, isOnline, mode }: OwnAgentView): TextKey {
  if (standing === "blocked") return "agents.blocked";
  if (standing === "paused") return "agents.paused";
  if (!hasKeys) return "agents.neverStarted";
  if (standing === "unreachable") return "agents.unreachable";
  // Only who keeps a line open can be seen to be there.
  if (mode !== "websocket") return mode === "webhook" ? "agents.called" : "agents.asks";
  return isOnline ? "agents.online" : "agents.offline";
}
