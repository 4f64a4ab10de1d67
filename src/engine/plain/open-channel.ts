/** The channel of a plain agent, by its protocol. A new protocol is a case here. */
import { createChatChannel } from "#channels/chat/create-chat-channel.ts";
import { chatBaseUrl } from "#channels/chat/endpoint.ts";
import type { ChatMessage } from "#channels/chat/history.ts";
import { createMyAgentChannel } from "#channels/myagent/create-myagent-channel.ts";
import type { Ticket } from "#channels/myagent/session.ts";
import { createTpclawSocket } from "#channels/tpclaw/create-tpclaw-socket.ts";
import { Secret } from "#base/secret.ts";
import type { Channel } from "#peer/channel.ts";
import type { EngineDeps } from "../deps.ts";
import { checkFor } from "./plain-address.ts";
import type { PlainAgent } from "./plain-record.ts";

export type ChannelLife = {
  readonly history: readonly ChatMessage[];
  readonly onTicket: (ticket: Ticket | null) => void;
  readonly onSessionId: (sessionId: string) => void;
};

/** Creates the channel; its address was checked when the agent was added and is again, for the page may be another. */
export function openChannel(
  deps: EngineDeps,
  agent: PlainAgent,
  { history, onTicket, onSessionId }: ChannelLife,
): Channel {
  const checked = checkFor(agent.protocol, agent.url, deps.origin);
  const likelyCauses = checked.ok ? checked.value.likelyCauses : (["mixed-content"] as const);
  const { clock, random, log } = deps;
  const apiKey = agent.apiKey === null ? null : new Secret(agent.apiKey);
  const { model, sessionId, url } = agent;
  switch (agent.protocol) {
    case "myagent":
      return createMyAgentChannel({
        ...{ clock, random, log, likelyCauses, url, onTicket },
        openSocket: deps.openSocket,
        setup: null,
        ticket: agent.ticket,
      });
    case "tpclaw-socket":
      return createTpclawSocket({
        ...{ clock, random, log, likelyCauses, url, onSessionId, sessionId },
        openSocket: deps.openSocket,
        agentId: model,
        token: apiKey,
      });
    case "tpclaw-chat":
    case "chat": {
      const dialect = agent.protocol === "chat" ? "openai" : "tpclaw";
      return createChatChannel({
        ...{ clock, random, likelyCauses, apiKey, model, sessionId, onSessionId, history, dialect },
        // Read again from the log at the next start.
        onHistory: () => {},
        fetch: deps.streamFetch,
        baseUrl: chatBaseUrl(url, dialect),
        remembers: agent.remembers,
      });
    }
  }
}
