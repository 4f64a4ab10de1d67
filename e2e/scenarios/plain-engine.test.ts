import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PlainAgentInput, TurnView } from "../../src/bridge/channel-views.ts";
import type { ConversationView, MessageView } from "../../src/bridge/views.ts";
import {
  must,
  startEngineWorld,
  words,
  type EngineWorld,
  type Seat,
} from "../../src/engine/engine-world.contract.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { freePort } from "../../src/start/free-port.ts";
import { startMyAgentServer, type MyAgentServerOptions } from "../world/plain/myagent-server.ts";
import { startTpclawServer, type TpclawServerOptions } from "../world/plain/tpclaw-server.ts";
import { chatScriptsOf } from "../world/plain/transcript.ts";

let world: EngineWorld;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => world.close());

const input = (part: Partial<PlainAgentInput> & Pick<PlainAgentInput, "url">): PlainAgentInput => ({
  protocol: "myagent",
  name: "Weather",
  model: null,
  apiKey: null,
  remembers: "client",
  ...part,
});

async function aMyAgentServer(given: Partial<MyAgentServerOptions> = {}) {
  const server = await startMyAgentServer(given);
  ends.push(() => server.close());
  return server;
}

async function aTpclawServer(given: Partial<TpclawServerOptions> = {}) {
  const server = await startTpclawServer(given);
  ends.push(() => server.close());
  return server;
}

const turnOf = (message: MessageView): TurnView | null =>
  message.body.kind === "turn" ? message.body.turn : null;

/** The next turn of an open thread that has ended, told or to come. */
const endedTurn = async (seat: Seat, nth = 1): Promise<TurnView> => {
  const ended = new Map<string, TurnView>();
  await seat.until((event): event is never => {
    if (event.type === "messages")
      for (const message of event.messages) {
        const turn = turnOf(message);
        if (turn?.status === "ended") ended.set(message.id, turn);
      }
    return ended.size >= nth;
  });
  return [...ended.values()][nth - 1] as TurnView;
};

const viewOf = async (seat: Seat, id: ConversationId): Promise<ConversationView> => {
  const list = must(await seat.calls.listConversations());
  return list.find((one) => one.id === id) as ConversationView;
};

describe("a plain agent in the client", () => {
  test("[N70, N72] is a conversation like any other, with a badge, a turn and fewer abilities", async () => {
    const server = await aMyAgentServer();
    const ada = await world.person("Ada");
    const id = must(await ada.calls.addAgentByAddress(input({ url: server.url })));
    await ada.openThread(id);
    must(
      await ada.calls.sendText({
        conversationId: id,
        text: "What is the weather in Oslo?",
        mentions: [],
        replyToId: null,
      }),
    );

    const turn = await endedTurn(ada);
    const thread = await ada.openThread(id);
    const view = await viewOf(ada, id);

    expect(thread.messages.map((row) => [row.seq, row.isSelf, row.body.kind])).toEqual([
      [1, true, "text"],
      [2, false, "turn"],
    ]);
    expect(turn).toMatchObject({ outcome: "done", textState: "whole" });
    expect(turn.parts.map(({ kind }) => kind)).toEqual(["reasoning", "tool", "reasoning", "tool"]);
    expect(view).toMatchObject({
      kind: "h2a",
      title: "Weather",
      can: [],
      sending: { allowed: true },
      channel: { protocol: "myagent", hasKey: false, isReadableOnTheWay: false },
    });
    expect(view.preview?.text).toContain("Here is the answer");
    expect(must(await ada.calls.describeSecurity({ conversationId: id }))).toMatchObject({
      encryption: "none",
    });
    const own = thread.messages[0] as MessageView;
    expect(own.canRecallUntil).toBeNull();
    for (const refused of [
      await ada.calls.recall({ conversationId: id, messageId: own.id }),
      await ada.calls.react({ conversationId: id, messageId: own.id, emoji: "👍", op: "add" }),
    ])
      expect(refused).toEqual({ ok: false, failure: { kind: "engine/plain-cannot" } });
  });

  test("[N70] a confirmation is answered by the page, once it is open and by its name", async () => {
    const server = await aMyAgentServer({ scripts: chatScriptsOf("tool_confirm_accept") });
    const ada = await world.person("Ada");
    const conversationId = must(await ada.calls.addAgentByAddress(input({ url: server.url })));
    await ada.openThread(conversationId);
    must(
      await ada.calls.sendText({
        conversationId,
        text: "delete it",
        mentions: [],
        replyToId: null,
      }),
    );
    const asking = await ada.row(
      (row) =>
        turnOf(row)?.parts.some((part) => part.kind === "prompt" && part.state === "open") === true,
    );
    const prompt = turnOf(asking)?.parts.find((part) => part.kind === "prompt");

    const unknown = await ada.calls.runOnChannel({
      conversationId,
      command: { type: "answer-prompt", promptId: "other", isConfirmed: true, tasks: null },
    });
    must(
      await ada.calls.runOnChannel({
        conversationId,
        command: {
          type: "answer-prompt",
          promptId: prompt?.kind === "prompt" ? prompt.promptId : "",
          isConfirmed: true,
          tasks: null,
        },
      }),
    );

    expect(unknown).toEqual({ ok: false, failure: { kind: "peer/unknown-prompt" } });
    expect((await endedTurn(ada)).parts).toContainEqual(
      expect.objectContaining({ kind: "prompt", state: "confirmed" }),
    );
  });

  test("[N71] questions asked before the server is there wait, and leave in order; one is taken back", async () => {
    const port = await freePort();
    const url = `ws://127.0.0.1:${port}`;
    const ada = await world.person("Ada");
    const conversationId = must(await ada.calls.addAgentByAddress(input({ url })));
    await ada.openThread(conversationId);
    const ids = [];
    for (const text of ["one", "two", "three"])
      ids.push(
        must(await ada.calls.sendText({ conversationId, text, mentions: [], replyToId: null })),
      );
    const waiting = (await ada.openThread(conversationId)).messages.map(({ delivery }) => delivery);
    must(await ada.calls.discardFailed({ conversationId, messageId: ids[1] as never }));
    const back = await aMyAgentServer({ port });
    must(await ada.calls.runOnChannel({ conversationId, command: { type: "try-again" } }));

    await endedTurn(ada, 2);

    expect(waiting).toEqual(Array.from({ length: 3 }, () => ({ status: "queued" })));
    expect(
      back.heard.filter(({ event }) => event === "user.message").map(({ content }) => content),
    ).toEqual(["one", "three"]);
  });

  test("[N73, N74, N77] lies sealed, comes back whole, and a model is told what was said before", async () => {
    const server = await aTpclawServer({ recording: "01-plain-stream", apiKey: "sk-very-secret" });
    const ada = await world.person("Ada");
    const conversationId = must(
      await ada.calls.addAgentByAddress(
        input({ protocol: "tpclaw-chat", url: server.url, apiKey: "sk-very-secret" }),
      ),
    );
    await ada.openThread(conversationId);
    must(
      await ada.calls.sendText({
        conversationId,
        text: "remember apple",
        mentions: [],
        replyToId: null,
      }),
    );
    await endedTurn(ada);
    await ada.leave();
    const disk = await diskOf(ada.profile);
    const again = world.open(ada.profile);
    await again.online();
    const thread = await again.openThread(conversationId);
    must(
      await again.calls.sendText({
        conversationId,
        text: "what was it?",
        mentions: [],
        replyToId: null,
      }),
    );
    await endedTurn(again);

    expect(thread.messages.map(words)).toEqual(["remember apple", "turn"]);
    expect(turnOf(thread.messages[1] as MessageView)?.text).toBe("Hello from fake LLM.");
    expect(server.requests[1]?.body.messages.map(({ content }) => content)).toEqual([
      "remember apple",
      "Hello from fake LLM.",
      "what was it?",
    ]);
    for (const secret of ["sk-very-secret", "remember apple", "fake LLM", "127.0.0.1", "Weather"])
      expect(disk.includes(secret), secret).toBe(false);
    expect(JSON.stringify([ada.events, again.events, thread])).not.toContain("sk-very-secret");
    expect(
      must(await again.calls.search({ query: "apple", conversationId: null, limit: 5 })),
    ).toHaveLength(1);
  });

  test("[N74] a turn that a closing client leaves behind is shown as lost", async () => {
    const server = await aMyAgentServer({ scripts: chatScriptsOf("cancel") });
    const ada = await world.person("Ada");
    const conversationId = must(await ada.calls.addAgentByAddress(input({ url: server.url })));
    await ada.openThread(conversationId);
    must(
      await ada.calls.sendText({
        conversationId,
        text: "use the slow tool",
        mentions: [],
        replyToId: null,
      }),
    );
    await ada.row((row) => turnOf(row)?.parts.some(({ kind }) => kind === "tool") === true);
    await ada.leave();
    const again = world.open(ada.profile);
    await again.online();

    const thread = await again.openThread(conversationId);

    expect(thread.messages.map((row) => turnOf(row)?.outcome)).toEqual([undefined, "lost"]);
  });

  test("[N74] a long past comes in windows, each row with its turn", async () => {
    const server = await aTpclawServer({ reply: "message" });
    const ada = await world.person("Ada");
    const conversationId = must(
      await ada.calls.addAgentByAddress(
        input({ protocol: "tpclaw-socket", url: server.socketUrl }),
      ),
    );
    await ada.openThread(conversationId);
    const texts = Array.from({ length: 60 }, (_, at) => `question ${at}`);
    for (const text of texts)
      must(await ada.calls.sendText({ conversationId, text, mentions: [], replyToId: null }));
    await endedTurn(ada, texts.length);
    await ada.leave();
    const again = world.open(ada.profile);
    await again.online();

    const newest = await again.openThread(conversationId);
    const beforeId = newest.messages[0]?.id as MessageView["id"];
    const older = must(await again.calls.loadBefore({ conversationId, beforeId }));

    const answers = [...older.messages, ...newest.messages].flatMap((row) => turnOf(row) ?? []);
    expect([newest.hasBefore, older.hasBefore]).toEqual([true, false]);
    expect(answers.map(({ status, text }) => `${status} ${text}`)).toEqual(
      texts.map((text) => `ended You said ${text}`),
    );
  });

  test("[N75] is forgotten whole", async () => {
    const server = await aMyAgentServer();
    const ada = await world.person("Ada");
    const conversationId = must(await ada.calls.addAgentByAddress(input({ url: server.url })));

    must(await ada.calls.removeAgent({ conversationId }));
    await ada.leave();
    const again = world.open(ada.profile);
    await again.online();

    expect(must(await again.calls.listConversations())).toEqual([]);
    expect(await again.calls.openThread({ conversationId, aroundMessageId: null })).toMatchObject({
      ok: false,
    });
  });

  test("[N76] what cannot work is refused by its kind, and models are listed where there are any", async () => {
    const server = await aTpclawServer({ models: ["writer"] });
    const ada = await world.person("Ada");
    const add = (url: string) => ada.calls.addAgentByAddress(input({ url }));
    const refused = [
      await add("ftp://h.example"),
      await add(""),
      await add("ws://me:pw@h.example"),
    ];

    expect(refused.map((result) => (result.ok ? "" : result.failure.kind))).toEqual([
      "channels/scheme-not-allowed",
      "channels/bad-address",
      "channels/credentials-in-address",
    ]);
    expect(
      must(
        await ada.calls.checkAgentAddress({ protocol: "myagent", url: "ws://192.168.1.9:8080" }),
      ),
    ).toEqual({
      url: "ws://192.168.1.9:8080/",
      isLoopback: false,
      isPrivateNetwork: true,
      isReadableOnTheWay: true,
    });
    expect(
      must(
        await ada.calls.listAgentModels({ protocol: "tpclaw-chat", url: server.url, apiKey: null }),
      ),
    ).toEqual(["writer"]);
  });
});

test("[N78] an activity feed is open while it is watched, and only where there is one", async () => {
  const server = await aTpclawServer({ socket: "feed" });
  const plain = await aMyAgentServer();
  const ada = await world.person("Ada");
  const conversationId = must(
    await ada.calls.addAgentByAddress(input({ protocol: "tpclaw-chat", url: server.url })),
  );
  const other = must(await ada.calls.addAgentByAddress(input({ url: plain.url })));
  must(await ada.calls.watchActivity({ conversationId }));
  const online = await ada.until(
    (event): event is Extract<typeof event, { type: "activity" }> =>
      event.type === "activity" && event.activity.status.status === "online",
  );

  server.say({ type: "text", agentId: "main", taskId: "t", payload: { content: "hello" } });
  const told = await ada.until(
    (event): event is Extract<typeof event, { type: "activity" }> =>
      event.type === "activity" && event.activity.runs.length > 0,
  );
  must(await ada.calls.unwatchActivity({ conversationId }));

  expect(online.conversationId).toBe(conversationId);
  expect(told.activity.runs).toMatchObject([{ runKey: "t", text: "hello", outcome: "running" }]);
  expect(await ada.calls.watchActivity({ conversationId: other })).toEqual({
    ok: false,
    failure: { kind: "engine/plain-cannot" },
  });
});

/** Everything a profile's databases hold, as text. */
async function diskOf(profile: string): Promise<string> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(profile);
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(new Error("no database")));
  });
  const parts: string[] = [];
  for (const name of database.objectStoreNames) {
    const all = database.transaction(name).objectStore(name).getAll();
    await new Promise((resolve) => all.addEventListener("success", resolve));
    parts.push(
      JSON.stringify(all.result, (_, value: unknown) =>
        value instanceof Uint8Array || value instanceof ArrayBuffer
          ? Buffer.from(value as Uint8Array).toString("latin1")
          : value,
      ),
    );
  }
  database.close();
  return parts.join("\n");
}
