import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { ok } from "#base/result.ts";
import { makeId, type ConversationId } from "#protocol/ids.ts";
import type { Payload } from "#protocol/payload.ts";
import { Conversation } from "#protocol/rest.ts";
import {
  aFolder,
  anAgentWorld,
  environmentOf,
  isText,
  setupMeeting,
  value,
} from "#sdk/agent-world.contract.ts";
import { COMMANDS } from "./commands.ts";
import { runCommandLine } from "./run.ts";

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

async function* pieces(...texts: string[]) {
  yield* texts;
}

/** One command line as somebody types it; what it printed, and how it ended. */
async function parley(words: string[], input: readonly string[] = []) {
  const printed: string[] = [];
  const complained: string[] = [];
  const code = await runCommandLine(words, {
    input: () => pieces(...input),
    print: (line) => printed.push(line),
    complain: (line) => complained.push(line),
  });
  return { code, printed, complained };
}

const json = async <Shape>(words: string[], input?: readonly string[]): Promise<Shape> => {
  const { code, printed, complained } = await parley([...words, "--json"], input);
  expect(complained).toEqual([]);
  expect(code).toBe(0);
  expect(printed).toHaveLength(1);
  return JSON.parse(printed[0] ?? "") as Shape;
};

/** An agent that runs, a person, and the environment of a shell beside them. */
async function setupShell() {
  const meeting = await setupMeeting(await anAgentWorld());
  Object.assign(process.env, environmentOf(meeting.world.url, meeting.provisioned));
  return meeting;
}

type Message = {
  readonly message_id: string;
  readonly payload: Payload | null;
  readonly because?: string;
};

describe("the command line beside a running agent", () => {
  test("[L1] [K27] says who the agent is and where, reads what was said, and takes nothing from the agent", async () => {
    const { agent, alice, conversationId, provisioned } = await setupShell();
    await alice.say(conversationId, "early bird");

    const me = await json<object>(["whoami"]);
    const places = await json<object[]>(["conversations"]);
    const page = await json<{ messages: Message[] }>(["messages", conversationId]);
    const heard: unknown[] = [];
    const first = new Promise<void>((resolve) => {
      agent.addMessageHandler((msg) => {
        heard.push(msg.payload);
        resolve();
      });
    });
    await first;

    expect(me).toMatchObject({
      agent_id: provisioned.agentId,
      display_name: "Echo",
      fingerprint: agent.fingerprint,
      online: true,
    });
    expect(places).toMatchObject([{ conversation_id: conversationId, display_name: "Alice" }]);
    expect(page.messages).toMatchObject([
      { payload: { type: "text", text: "early bird" }, sender_display_name: "Alice" },
    ]);
    expect(heard).toMatchObject([{ text: "early bird" }]);
  });

  test("[L2] [K52] lists conversations all at once, or newest first in pages", async () => {
    const { alice, agent, world, conversationId, provisioned } = await setupShell();
    const ben = await world.person("Ben");
    const second = await ben.meet(provisioned, agent.fingerprint);
    await alice.say(conversationId, "the last word");

    const all = await json<{ conversation_id: string }[]>(["conversations"]);
    type Listed = { conversations: { conversation_id: string }[]; next: string };
    const first = await json<Listed>(["conversations", "--limit", "1"]);
    const rest = await json<Listed>(["conversations", "--after", first.next]);

    const ids = [first, rest].map(({ conversations }) =>
      conversations.map((one) => one.conversation_id),
    );
    expect(ids).toEqual([[conversationId], [second]]);
    expect(all.map((one) => one.conversation_id)).toEqual([conversationId, second]);
    expect(rest.next).toBeNull();
  });

  test("[L1] sends, answers, reacts, takes back, streams, shows a card, and the agent's keys stay", async () => {
    const { alice, agent, conversationId } = await setupShell();
    const said = await alice.say(conversationId, "question");
    const questionId = said.content.kind === "message" ? said.content.messageId : "";

    const mention = ["--mention", alice.userId, "--reply-to", questionId];
    await json(["send", conversationId, "an answer", ...mention]);
    const piped = await json<Message>(["send", conversationId, "-"], ["from ", "a pipe"]);
    await json(["react", conversationId, questionId, "👍"]);
    await json(["stream", conversationId], ["bit ", "by bit"]);
    const card = JSON.stringify({ subtype: "progress", title: "Export", payload: { percent: 5 } });
    await json(["send-artifact", conversationId, card]);
    await json(["recall", conversationId, piped.message_id]);
    await json(["typing", conversationId, "--seconds", "1"]);

    expect(await alice.reads(isText("an answer"))).toMatchObject({
      mentions: [alice.userId],
      reply_to: { message_id: questionId, sender_id: alice.userId, preview_text: "question" },
    });
    expect(await alice.reads((payload) => payload.type === "reaction")).toMatchObject({
      message_id: questionId,
      emoji: "👍",
      op: "add",
    });
    expect(await alice.reads(isText("bit by bit"))).toBeTruthy();
    expect(await alice.reads((payload) => payload.type === "artifact")).toMatchObject({
      artifact: { title: "Export", payload: { percent: 5 } },
    });
    await alice.hears(
      ({ content }) => content.kind === "recalled" && content.messageId === piped.message_id,
    );
    await alice.sees((event) => event.type === "typing" && event.typing);
    const page = await json<{ messages: Message[] }>(["messages", conversationId]);
    expect(page.messages.map(({ because }) => because).filter(Boolean)).toContain("recalled");
    await agent.send(conversationId, { type: "text", text: "still here" });
    const { content } = await alice.hears(
      ({ content }) => content.kind === "message" && isText("still here")(content.payload),
    );
    expect(content).toMatchObject({ reduced: false });
  });

  test("[L5] talks in a group like anywhere, while making, leaving and filling groups is for people", async () => {
    const { alice, provisioned, world } = await setupShell();
    const conversationId = makeId<ConversationId>(systemClock.now(), systemRandom);
    const members = [{ accountId: provisioned.agentId, kind: "agent" as const }];
    const others = members.map(({ accountId: id, kind: type }) => ({ id, type }));
    value(
      await alice.endpoint.foundConversation({
        conversationId,
        type: "group",
        members,
        post: async (entries) => {
          const ledger = entries.map(bytesToBase64);
          const body = { conversation_id: conversationId, members: others, ledger };
          const posted = await alice.endpoint.rest.call("POST", "/groups", Conversation, body);
          return posted.ok ? ok(null) : posted;
        },
      }),
    );
    await alice.say(conversationId, "welcome, all of you");

    const places = await json<object[]>(["conversations"]);
    await json(["send", conversationId, "good to be here"]);
    const page = await json<{ messages: Message[] }>(["messages", conversationId]);
    const asAgent = async (path: string, body: object) => {
      const authorization = `Bearer ${provisioned.token}`;
      const headers = { authorization, "content-type": "application/json" };
      const at = `${world.url}/groups${path}`;
      return (await fetch(at, { method: "POST", headers, body: JSON.stringify(body) })).status;
    };
    const ledger = { ledger_seq: 2, prev_hash: "", entry: "" };
    const refused = [
      await asAgent("", { conversation_id: crypto.randomUUID(), members: others, ledger: [] }),
      await asAgent(`/${conversationId}/members`, { id: alice.userId, type: "human", ledger }),
      await asAgent(`/${conversationId}/leave`, { ledger }),
    ];

    expect(places).toContainEqual(
      expect.objectContaining({ conversation_id: conversationId, type: "group" }),
    );
    expect(await alice.reads(isText("good to be here"))).toBeTruthy();
    expect(page.messages.map(({ payload }) => payload)).toMatchObject([
      { text: "welcome, all of you" },
      { text: "good to be here" },
    ]);
    expect(refused).toEqual([401, 401, 401]);
  });

  test("[L3] sends files, and saves those of others under numbers, over nothing", async () => {
    const { alice, agent, conversationId } = await setupShell();
    const folder = aFolder();
    writeFileSync(join(folder, "note.txt"), "plain words");

    await json(["send-file", conversationId, join(folder, "note.txt")]);
    const file = await alice.reads((payload) => payload.type === "file");
    const { attachment } = await agent.uploadFile(conversationId, {
      filename: "../../evil.sh",
      mime: "text/plain",
      data: new TextEncoder().encode("from alice"),
      send_as: null,
    });
    const { conversation_id: _here, ...bare } = attachment;
    const said = await alice.say(conversationId, {
      type: "file",
      attachment_id: bare.attachment_id,
      filename: "../../evil.sh",
      mime: "text/plain",
      size: 10,
      attachments: [bare],
    });
    const messageId = said.content.kind === "message" ? said.content.messageId : "";
    const line = ["download", conversationId, messageId, "--to", folder];
    const saved = await json<{ path: string }[]>(line);
    const again = await parley(line);

    expect(file).toMatchObject({ filename: "note.txt", mime: "text/plain", size: 11 });
    expect(saved).toMatchObject([{ path: join(folder, `${messageId}-1`), size: 10 }]);
    expect(readFileSync(saved[0]?.path ?? "", "utf8")).toBe("from alice");
    expect(existsSync(join(folder, "../../evil.sh"))).toBe(false);
    expect(again.code).toBe(1);
  });

  test("[L2] a call it does not know sends nothing and ends with 2, a refusal with 1", async () => {
    const { conversationId } = await setupShell();

    expect((await parley(["help"])).printed.join("\n")).toContain("send-artifact <conversation>");
    expect(await parley(["dance"])).toMatchObject({ code: 2, printed: [] });
    expect(await parley(["send", conversationId])).toMatchObject({ code: 2, printed: [] });
    expect(await parley(["send", conversationId, "x", "--loud"])).toMatchObject({ code: 2 });
    expect(await parley(["send", conversationId, "several", "words"])).toEqual({
      code: 2,
      printed: [],
      complained: [expect.stringMatching(/^"words" is one word too many/)],
    });
    const wrong = await parley(["send", conversationId, "x", "--reply-to", crypto.randomUUID()]);
    expect(wrong).toMatchObject({ code: 2, printed: [] });
    for (const call of [["dance"], ["send"], ["whoami", "me"], ["messages", "x", "--limit", "0"]]) {
      const { code, complained } = await parley([...call, "--json"]);
      expect([code, complained.length]).toEqual([2, 1]);
      expect(JSON.parse(complained[0] ?? "")).toMatchObject({ error: { code: "USAGE" } });
    }
    const stranger = await parley(["send", crypto.randomUUID(), "hello", "--json"]);
    expect(stranger.code).toBe(1);
    expect(JSON.parse(stranger.complained.join(""))).toMatchObject({
      error: { code: expect.stringMatching(/^NOT_/) as string },
    });
    expect((await parley(["recall", conversationId, "nonsense"])).complained).toEqual([
      "BAD_REQUEST: A value has the wrong shape.",
    ]);
  });

  test("[L3] a message cannot speak to the terminal", async () => {
    const { alice, conversationId } = await setupShell();
    await alice.say(conversationId, "first\nsecond \u001b[31mred\u202e");

    const { printed } = await parley(["messages", conversationId]);

    expect(printed).toHaveLength(1);
    expect(printed[0]).toContain("first second \ufffd[31mred\ufffd");
  });
});

const PROGRAM = join(import.meta.dirname, "main.ts");

describe("the program", () => {
  test("[L2] help names every command, its options, and what it reads from the environment", async () => {
    const { code, printed } = await parley(["--help"]);

    expect(code).toBe(0);
    for (const name of [...Object.keys(COMMANDS), "relay", "HASHEE_AGENT_TOKEN", "--json"])
      expect(printed[0]).toContain(name);
    expect((await parley(["help", "send"])).printed[0]).toContain("--reply-to");
    expect(await parley([])).toMatchObject({ code: 2, printed: [] });
  });

  test("[L4] behind relay is the relay's own program, with its code", async () => {
    const run = (...words: string[]) =>
      promisify(execFile)(process.execPath, [PROGRAM, "relay", ...words], {
        env: { ...process.env, PARLEY_DATA: aFolder() },
      });

    expect((await run("--help")).stdout).toContain("agent create");
    await expect(run("dance")).rejects.toMatchObject({ code: 2 });
  });

  test("[L2] a reader that has seen enough ends it without a complaint", async () => {
    const program = spawn(process.execPath, [PROGRAM, "--help"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    program.stdout.destroy();
    let complained = "";
    program.stderr.on("data", (bytes) => (complained += String(bytes)));
    const [code] = (await once(program, "close")) as [number | null];

    expect(complained).toBe("");
    expect(code).toBe(0);
  });
});
