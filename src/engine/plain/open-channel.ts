/** The channel of a plain agent, by its protocol. A new protocol is a case here. */
import type { PlainProtocol } from "#bridge/channel-views.ts";
import { checkAddress, type AddressFailure, type CheckedAddress } from "#channels/address.ts";
import { createChatChannel } from "#channels/chat/create-chat-channel.ts";
import { chatBaseUrl } from "#channels/chat/endpoint.ts";
import type { ChatMessage } from "#channels/chat/history.ts";
import { createMyAgentChannel } from "#channels/myagent/create-myagent-channel.ts";
import type { Ticket } from "#channels/myagent/session.ts";
import { createTpclawSocket } from "#channels/tpclaw/create-tpclaw-socket.ts";
import type { Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { Channel } from "#peer/channel.ts";
import type { EngineDeps } from "../deps.ts";
import type { PlainAgent } from "./plain-record.ts";

export type ChannelLife = {
  readonly history: readonly ChatMessage[];
  readonly onTicket: (ticket: Ticket | null) => void;
  readonly onSessionId: (sessionId: string) => void;
};

/** Checks an address for a protocol, from the page that runs this. */
export const checkFor = (
  protocol: PlainProtocol,
  url: string,
  pageOrigin: string,
): Result<CheckedAddress, AddressFailure> =>
  checkAddress(url, isSocket(protocol) ? "socket" : "http", pageOrigin);

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

const isSocket = (protocol: PlainProtocol): boolean =>
  protocol === "myagent" || protocol === "tpclaw-socket";

/** The model that is asked where none was named. */
export const DEFAULT_MODEL: Readonly<Record<PlainProtocol, string>> = {
  myagent: "",
  "tpclaw-socket": "main",
  "tpclaw-chat": "main",
  chat: "",
};
