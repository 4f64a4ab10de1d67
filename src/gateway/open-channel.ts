/** The channel to the server the settings name; each conversation has its own, so that none hears another. */
import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { createChatChannel } from "#channels/chat/create-chat-channel.ts";
import { chatBaseUrl } from "#channels/chat/endpoint.ts";
import { createMyAgentChannel } from "#channels/myagent/create-myagent-channel.ts";
import { createTpclawSocket } from "#channels/tpclaw/create-tpclaw-socket.ts";
import type { Channel } from "#peer/channel.ts";
import type { OpenSocket, Socket } from "#peer/socket.ts";
import { WebSocket } from "ws";
import type { Memory } from "./memory.ts";
import type { Settings } from "./settings.ts";

/** Opens a channel that is idle until started and goes on where the last one stopped. */
export function openChannel(
  { protocol, url, model, apiKey }: Settings,
  { known, keep }: Memory,
): Channel {
  const world = {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    likelyCauses: ["server-down", "wrong-path"] as const,
  };
  const session = {
    sessionId: known.sessionId,
    onSessionId: (sessionId: string): void => keep({ sessionId }),
  };
  switch (protocol) {
    case "myagent":
      return createMyAgentChannel({
        ...world,
        openSocket,
        url,
        setup: null,
        ticket: known.ticket,
        onTicket: (ticket) => keep({ ticket }),
      });
    case "tpclaw-socket":
      return createTpclawSocket({
        ...world,
        ...session,
        openSocket,
        url,
        agentId: model,
        token: apiKey,
      });
    case "tpclaw-chat":
    case "chat": {
      const dialect = protocol === "chat" ? "openai" : "tpclaw";
      return createChatChannel({
        ...world,
        ...session,
        fetch: (address, request) => fetch(address, request),
        baseUrl: chatBaseUrl(url, dialect),
        dialect,
        model,
        apiKey,
        remembers: "client",
        history: known.history,
        onHistory: (history) => keep({ history }),
      });
    }
  }
}

const openSocket: OpenSocket = (url) => {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  // What goes wrong is told by its close.
  socket.on("error", () => {});
  return socket as unknown as Socket;
};
