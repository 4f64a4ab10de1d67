/** A person's end of a plain channel over real sockets: the view as it is folded, and waits for what it should show. */
import { WebSocket } from "ws";
import { systemClock, type Clock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { systemRandom } from "../../../src/base/random.ts";
import type { ChannelView, TurnView } from "../../../src/bridge/channel-views.ts";
import {
  createChatChannel,
  type ChatOptions,
} from "../../../src/channels/chat/create-chat-channel.ts";
import { createMyAgentChannel } from "../../../src/channels/myagent/create-myagent-channel.ts";
import { createTpclawSocket } from "../../../src/channels/tpclaw/create-tpclaw-socket.ts";
import { emptyChannelView, reduceChannelView } from "../../../src/engine/plain/turns.ts";
import type { Channel, ChannelCommand, TurnId } from "../../../src/peer/channel.ts";
import type { Socket } from "../../../src/peer/socket.ts";

export const openNodeSocket = (url: string): Socket => {
  const socket = new WebSocket(url);
  socket.on("error", () => {});
  return socket as unknown as Socket;
};

const shared = {
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  likelyCauses: ["server-down"] as const,
};

export const listenToMyAgent = (url: string, clock: Clock = systemClock) =>
  listen(
    createMyAgentChannel({
      ...shared,
      clock,
      openSocket: openNodeSocket,
      url,
      setup: null,
      ticket: null,
      onTicket: () => {},
    }),
  );

export const listenToTpclaw = (url: string, clock: Clock = systemClock) =>
  listen(
    createTpclawSocket({
      ...shared,
      clock,
      openSocket: openNodeSocket,
      url,
      agentId: "main",
      sessionId: "session-001",
      onSessionId: () => {},
      token: null,
    }),
  );

export const listenToChat = (baseUrl: string, given: Partial<ChatOptions> = {}) =>
  listen(
    createChatChannel({
      ...shared,
      fetch: (url, request) => fetch(url, request),
      baseUrl,
      dialect: "tpclaw",
      model: "main",
      apiKey: null,
      remembers: "client",
      sessionId: "session-001",
      onSessionId: () => {},
      history: [],
      onHistory: () => {},
      ...given,
    }),
  );

export type Listener = ReturnType<typeof listen>;

function listen(channel: Channel) {
  let view: ChannelView = { ...emptyChannelView, capabilities: [...channel.capabilities()] };
  const waiting = new Set<() => void>();
  let turns = 0;
  channel.on((event) => {
    view = reduceChannelView(view, event);
    for (const look of [...waiting]) look();
  });
  const until = <Found>(find: (view: ChannelView) => Found | null | undefined): Promise<Found> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = find(view);
        if (found === null || found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  channel.start();
  return {
    channel,
    view: () => view,
    until,
    run: (command: ChannelCommand) => channel.run(command),
    /** Asks and returns the turn's number. */
    ask(text: string): TurnId {
      const turnId = `turn-${++turns}` as TurnId;
      channel.run({ type: "send-text", turnId, text });
      return turnId;
    },
    online: () => until(({ status }) => (status.status === "online" ? status : null)),
    turn: (turnId: TurnId, wants: (turn: TurnView) => boolean): Promise<TurnView> =>
      until(({ turns: all }) => all.find((turn) => turn.turnId === turnId && wants(turn))),
    ended: (turnId: TurnId): Promise<TurnView> =>
      until(({ turns: all }) =>
        all.find((turn) => turn.turnId === turnId && turn.status === "ended"),
      ),
    prompt: () =>
      until(({ turns: all }) =>
        all
          .flatMap(({ parts }) => parts)
          .find((part) => part.kind === "prompt" && part.state === "open"),
      ).then((part) => {
        if (part.kind !== "prompt") throw new Error("no prompt");
        return part;
      }),
    kinds: () =>
      [...view.notes, ...view.turns.flatMap(({ parts }) => parts)].flatMap((part) =>
        part.kind === "note"
          ? [part.note.kind === "fault" ? part.note.failure : part.note.notice]
          : [],
      ),
  };
}
