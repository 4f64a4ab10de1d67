/** One suite for all that can carry a conversation: the relay and the three kinds of plain agent servers. */
import type { PlainAgentInput } from "../../src/bridge/channel-views.ts";
import {
  describeConversation,
  type ConversationStage,
} from "../../src/engine/conversation.contract.ts";
import {
  must,
  startEngineWorld,
  type EngineWorld,
  type Seat,
} from "../../src/engine/engine-world.contract.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { startMyAgentServer } from "../world/plain/myagent-server.ts";
import { startTpclawServer } from "../world/plain/tpclaw-server.ts";
import { chatScriptsOf } from "../world/plain/transcript.ts";

/** Cutting every line of the seat, the agent's as well as the relay's. */
const byCutting = (seat: Seat) => ({ hold: () => seat.cut(), release: () => seat.mend() });

const comeBack = async (world: EngineWorld, seat: Seat): Promise<Seat> => {
  await seat.leave();
  const again = world.open(seat.profile);
  await again.online();
  return again;
};

/** A person who added an agent by its address. */
async function met(
  world: EngineWorld,
  input: Pick<PlainAgentInput, "protocol" | "url">,
): Promise<{ seat: Seat; id: ConversationId; again: () => Promise<Seat> }> {
  const seat = await world.person("Ada");
  const added = await seat.calls.addAgentByAddress({
    ...input,
    name: "Agent",
    model: null,
    apiKey: null,
    remembers: "client",
  });
  return { seat, id: must(added), again: () => comeBack(world, seat) };
}

describeConversation("the relay", async (): Promise<ConversationStage> => {
  const world = await startEngineWorld();
  return {
    end: () => world.close(),
    async meet() {
      const seat = await world.person("Ada");
      const agent = await world.agent();
      const heard: string[] = [];
      agent.endpoint.on((event) => {
        if (event.type !== "entry" || event.entry.authorId === agent.endpoint.accountId) return;
        const { content, conversationId } = event.entry;
        if (content.kind !== "message" || content.payload.type !== "text") return;
        heard.push(content.payload.text);
        void agent.endpoint.send(conversationId, {
          type: "text",
          text: `You said ${content.payload.text}`,
        });
      });
      const id = must(await seat.calls.acceptInvite({ url: agent.link }));
      if (id === null) throw new Error("no conversation");
      return {
        ...{ seat, id, again: () => comeBack(world, seat), ...byCutting(seat) },
        heard: () => heard,
        answerTo: (text) => `You said ${text}`,
      };
    },
  };
});

describeConversation("a MyAgent server", async (): Promise<ConversationStage> => {
  const world = await startEngineWorld();
  const ends: (() => Promise<void>)[] = [];
  return {
    async end() {
      await world.close();
      for (const end of ends) await end();
    },
    async meet() {
      const server = await startMyAgentServer({ stepMs: 1, deltaMs: 1, aliveMs: 10 });
      ends.push(() => server.close());
      const seat = await met(world, { protocol: "myagent", url: server.url });
      const [script] = chatScriptsOf("message_answer");
      return {
        ...{ ...seat, ...byCutting(seat.seat) },
        heard: () => textsOf(server.heard, "user.message"),
        answerTo: () => script?.answer ?? "",
      };
    },
  };
});

describeConversation("TPCLAW's socket", async (): Promise<ConversationStage> => {
  const world = await startEngineWorld();
  const ends: (() => Promise<void>)[] = [];
  return {
    async end() {
      await world.close();
      for (const end of ends) await end();
    },
    async meet() {
      const server = await startTpclawServer({ reply: "message" });
      ends.push(() => server.close());
      const seat = await met(world, { protocol: "tpclaw-socket", url: server.socketUrl });
      return {
        ...{ ...seat, ...byCutting(seat.seat) },
        heard: () =>
          server.heard.flatMap((frame) => (frame.type === "chat" ? [frame.message ?? ""] : [])),
        answerTo: (text) => `You said ${text}`,
      };
    },
  };
});

describeConversation("chat completions", async (): Promise<ConversationStage> => {
  const world = await startEngineWorld();
  const ends: (() => Promise<void>)[] = [];
  return {
    async end() {
      await world.close();
      for (const end of ends) await end();
    },
    async meet() {
      const server = await startTpclawServer({ recording: "01-plain-stream", speed: 100 });
      ends.push(() => server.close());
      const seat = await met(world, { protocol: "tpclaw-chat", url: server.url });
      return {
        ...seat,
        hold: () => server.hold(),
        release: async () => server.release(),
        heard: () => server.requests.map(({ body }) => body.messages.at(-1)?.content ?? ""),
        answerTo: () => "Hello from fake LLM.",
      };
    },
  };
});

const textsOf = (
  heard: readonly { readonly event: string; readonly content?: unknown }[],
  event: string,
): readonly string[] =>
  heard.filter((frame) => frame.event === event).map(({ content }) => String(content));
