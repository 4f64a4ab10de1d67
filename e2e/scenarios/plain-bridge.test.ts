import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { primitives, type Person } from "../../src/peer/endpoint-world.contract.ts";
import type { Entry } from "../../src/peer/endpoint.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import type { KnownPayload } from "../../src/protocol/payload.ts";
import { provisionAgent, runAgent } from "../world/agent-process.ts";
import { startMyAgentServer } from "../world/plain/myagent-server.ts";
import { startTpclawServer } from "../world/plain/tpclaw-server.ts";
import { chatScriptsOf } from "../world/plain/transcript.ts";
import { cancel, decide } from "../world/person-answers.ts";
import type { Program } from "../world/processes.ts";
import { setupStage, type Stage } from "../world/stage.ts";

let stage: Stage;
let bridges = 0;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  stage = await setupStage();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => stage.end());

/** A bridge to a server as a process of its own, and a person in a conversation with it. */
async function aBridge(to: string, protocol: string, env: Readonly<Record<string, string>> = {}) {
  const folder = join(stage.agentFolder, `bridge-${++bridges}`);
  const account = await provisionAgent(stage.dataFolder, folder);
  const start = (): Promise<Program> =>
    runAgent("src/gateway/main.ts", account, stage.world.url, {
      PARLEY_BRIDGE_TO: to,
      PARLEY_BRIDGE_PROTOCOL: protocol,
      ...env,
    });
  const program = await start();
  ends.push(() => program.kill());
  const meet = async () => {
    const person = await stage.world.person();
    return { person, id: await stage.world.meet(person, account) };
  };
  return { start, program, meet, folder, ...(await meet()) };
}

const payloadOf = ({ content }: Entry): KnownPayload | null =>
  content.kind === "message" ? (content.payload as KnownPayload) : null;

const say = (person: Person, id: ConversationId, text: string) =>
  person.endpoint.send(id, { type: "text", text });

/** The next text of the bridge that fits. */
const answer = async (person: Person, fits: (text: string) => boolean): Promise<string> => {
  const entry = await person.entry((one) => {
    const payload = payloadOf(one);
    return (
      one.authorId !== person.endpoint.accountId && payload?.type === "text" && fits(payload.text)
    );
  });
  const payload = payloadOf(entry);
  return payload?.type === "text" ? payload.text : "";
};

const card = (person: Person, subtype: string): Promise<Entry> =>
  person.entry((one) => {
    const payload = payloadOf(one);
    return payload?.type === "artifact" && payload.artifact.subtype === subtype;
  });

/** The bridge's notes as they lie on the disk. */
const notesIn = (folder: string): readonly string[] =>
  readdirSync(join(folder, "vault"))
    .filter((file) => file.startsWith("note-"))
    .map((file) => readFileSync(join(folder, "vault", file), "latin1"));

const cardPayload = (entry: Entry): unknown => {
  const payload = payloadOf(entry);
  return payload?.type === "artifact" ? payload.artifact.payload : null;
};

describe("the bridge, as a process between a real relay and an agent server", () => {
  test("[G2, G3] a MyAgent's tools are cards and its lossy pieces one whole answer", async () => {
    const server = await startMyAgentServer({ deltaMs: 2 });
    ends.push(() => server.close());
    const { person, id } = await aBridge(server.url, "myagent");

    await say(person, id, "What is the weather in Oslo?");
    const text = await answer(person, (one) => one.startsWith("Here is"));

    expect(text).toHaveLength(169);
    expect(cardPayload(await card(person, "tool_call"))).toMatchObject({
      tool_name: "get_weather",
      arguments: { city: "Oslo" },
    });
    expect(cardPayload(await card(person, "tool_response"))).toMatchObject({
      status: "ok",
      result: "Oslo: 7 C, light rain",
    });
  });

  test("[G4] a confirmation is an approval card, and the server does what was decided", async () => {
    const server = await startMyAgentServer({ scripts: chatScriptsOf("tool_confirm_accept") });
    ends.push(() => server.close());
    const { person, id } = await aBridge(server.url, "myagent");

    await say(person, id, "delete it");
    const asked = await card(person, "approval");
    await decide(person, primitives, asked, "approve");
    await answer(person, (one) => one.startsWith("Here is"));

    expect(cardPayload(asked)).toMatchObject({
      action: "run-tool",
      request: { tool: "delete_file", arguments: { path: "demo.txt" } },
    });
    expect(server.heard.filter(({ event }) => event === "user.response")).toMatchObject([
      { content: { confirmed: true } },
    ]);
  });

  test("[G4, G5] a plan is approved and its progress shown; its product is the answer", async () => {
    const server = await startMyAgentServer({ kind: "plan", taskMs: 1_500 });
    ends.push(() => server.close());
    const { person, id } = await aBridge(server.url, "myagent");

    await say(person, id, "Write a report in 2 tasks");
    const asked = await card(person, "approval");
    await decide(person, primitives, asked, "approve");
    const text = await answer(person, (one) => one.startsWith("## Part 1"));
    const last = await person.entry((one) => {
      const payload = payloadOf(one);
      return payload?.type === "artifact_update" && payload.artifact.payload["status"] === "done";
    });

    expect(text).toContain("## Part 2");
    const update = payloadOf(last);
    expect(update?.type === "artifact_update" ? update.artifact.payload["steps"] : null).toEqual([
      { id: "1", label: "Part 1", status: "done" },
      { id: "2", label: "Part 2", status: "done" },
    ]);
  });

  test("[G2, G6] completions are streamed; a dead server is told in words and the next question works", async () => {
    const server = await startTpclawServer({ recording: "21-window-mode-slow-answer", speed: 4 });
    ends.push(() => server.close());
    const { person, id } = await aBridge(server.url, "tpclaw");

    await say(person, id, "hello");
    await person.until(
      (event): event is Extract<typeof event, { type: "stream-text" }> =>
        event.type === "stream-text",
    );
    const whole = await answer(person, (one) => one.startsWith("Hello from"));
    expect(whole).toHaveLength(160);

    await server.close();
    await say(person, id, "你在吗?");
    expect(await answer(person, (one) => one.includes("无法连接"))).toBe(
      "无法连接到智能体服务器。",
    );
  });

  test("[G7] two people at one bridge do not hear each other", async () => {
    const server = await startTpclawServer({ reply: "message" });
    ends.push(() => server.close());
    const bridge = await aBridge(server.socketUrl, "tpclaw");
    const other = await bridge.meet();

    await say(bridge.person, bridge.id, "from one");
    await say(other.person, other.id, "from another");

    expect(await answer(bridge.person, () => true)).toBe("You said from one");
    expect(await answer(other.person, () => true)).toBe("You said from another");
  });

  test("[G9] what was said and which session it was outlive the bridge, sealed", async () => {
    const server = await startTpclawServer({ recording: "01-plain-stream" });
    ends.push(() => server.close());
    const { person, id, program, start, folder } = await aBridge(server.url, "tpclaw");
    await say(person, id, "remember apple");
    await answer(person, (text) => text.startsWith("Hello from"));
    await program.stop();
    const notes = notesIn(folder);

    const next = await start();
    ends.push(() => next.kill());
    await say(person, id, "what was it?");
    await expect.poll(() => server.requests.length).toBe(2);

    expect(server.requests[1]?.body.messages.map(({ content }) => content)).toEqual([
      "remember apple",
      "Hello from fake LLM.",
      "what was it?",
    ]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).not.toContain("apple");
    expect(notes[0]).not.toContain("fake LLM");
  });

  test("[G9] a MyAgent's session is taken up with its ticket, and the person told what is forgotten", async () => {
    const server = await startMyAgentServer({ deltaMs: 2, aliveMs: 10 });
    ends.push(() => server.close());
    const { person, id, program, start } = await aBridge(server.url, "myagent");
    await say(person, id, "What is the weather in Oslo?");
    await answer(person, (text) => text.startsWith("Here is"));
    await program.stop();

    const next = await start();
    ends.push(() => next.kill());
    await say(person, id, "And tomorrow?");
    await answer(person, (text) => text.includes("has forgotten"));

    expect(server.heard.filter(({ event }) => event === "user.reconnect_with_state")).toHaveLength(
      1,
    );
  });

  test("[G10] a run that shows nothing to stop it by gets a card, and stops at the server when the card says so", async () => {
    const server = await startMyAgentServer({ scripts: chatScriptsOf("cancel") });
    ends.push(() => server.close());
    const { person, id } = await aBridge(server.url, "myagent");
    await say(person, id, "use the slow tool");
    const working = await card(person, "progress");

    await cancel(person, working);
    await answer(person, (text) => text === "Stopped.");
    const last = await person.entry((one) => payloadOf(one)?.type === "artifact_update");

    expect(cardPayload(working)).toMatchObject({ status: "running", cancellable: true });
    expect(payloadOf(last)).toMatchObject({ artifact: { payload: { status: "cancelled" } } });
    expect(server.heard.filter(({ event }) => event === "user.cancel")).toHaveLength(1);
  });

  test("[G8] a question that a dying bridge leaves behind is not asked again", async () => {
    const server = await startMyAgentServer({ scripts: chatScriptsOf("cancel") });
    ends.push(() => server.close());
    const { person, id, program, start } = await aBridge(server.url, "myagent");
    await say(person, id, "use the slow tool");
    await card(person, "tool_call");

    await program.kill();
    const next = await start();
    ends.push(() => next.kill());
    const text = await answer(person, (one) => one.includes("restarted"));

    expect(text).toContain("not asked again");
    expect(server.heard.filter(({ event }) => event === "user.message")).toHaveLength(1);
  });
});
