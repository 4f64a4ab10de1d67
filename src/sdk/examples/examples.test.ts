import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Payload } from "#protocol/payload.ts";
import { runProgram } from "../agent-program.contract.ts";
import {
  anAgentWorld,
  environmentOf,
  isText,
  onTestEnd,
  type Person,
} from "../agent-world.contract.ts";
import { WORDS } from "./guide/words.ts";

/** An example in its own process, and a person who came by its invite. */
async function setupExample(
  name: "echo" | "approval" | "llm" | "guide",
  environment: Readonly<Record<string, string>> = {},
) {
  const world = await anAgentWorld();
  const provisioned = await world.provision("Example");
  const program = runProgram(`examples/${name}.ts`, {
    ...environmentOf(world.url, provisioned),
    ...environment,
  });
  const { fingerprint } = (await program.tells) as { readonly fingerprint: string };
  await program.prints(`[${name === "llm" ? "model" : name}] connected`);
  const alice = await world.person("Alice");
  const conversationId = await alice.meet(provisioned, fingerprint);
  return { program, alice, conversationId };
}

const startsWith = (text: string) => (payload: Payload) =>
  payload.type === "text" && payload.text.startsWith(text);
const cardTitled = (title: string) => (payload: Payload) =>
  payload.type === "artifact" && payload.artifact.title === title;
const cardId = async (alice: Person, title: string): Promise<string> => {
  const payload = await alice.reads(cardTitled(title));
  return payload.type === "artifact" ? (payload.artifact.artifact_id ?? "") : "";
};
const anAnswer = (ref_artifact: string, ref_action: string, values = {}) => ({
  type: "artifact_response" as const,
  response_id: crypto.randomUUID(),
  ref_artifact,
  ref_revision: 0,
  ref_action,
  values,
});

describe("the examples", () => {
  test("[K21] echo says back what it hears and ends when asked to", async () => {
    const statusFile = join(mkdtempSync(join(tmpdir(), "parley-status-")), "status");
    onTestEnd(() => rmSync(dirname(statusFile), { recursive: true }));
    const status = () => readFileSync(statusFile, "utf8");
    const { program, alice, conversationId } = await setupExample("echo", {
      HASHEE_STATUS_FILE: statusFile,
    });
    await alice.say(conversationId, "say it");

    expect(await alice.reads(isText("say it"))).toBeTruthy();
    expect(status()).toBe("connected\n");
    expect(await program.stop()).toBe(0);
    expect(status()).toBe("disconnected\n");
    expect(program.lines).toEqual([
      expect.stringMatching(/^\[echo\] fingerprint ([0-9A-F]{4} ?){16}$/),
      "[echo] connecting",
      "[echo] connected",
      "[echo] disconnected",
    ]);
  });

  test("[K21] approval asks before it acts", async () => {
    const { alice, conversationId } = await setupExample("approval");
    await alice.say(conversationId, "/etc/hosts");

    expect(await alice.reads(cardTitled("Delete a file"))).toMatchObject({
      artifact: { subtype: "approval", payload: { request: { path: "/etc/hosts" }, risk: "high" } },
    });
  });

  test("[K21] the bridge to a model explains how to configure one", async () => {
    const { alice, conversationId } = await setupExample("llm");
    await alice.say(conversationId, "hello");

    expect(await alice.reads(startsWith("I pass your words"))).toMatchObject({
      text: expect.stringContaining("OPENAI_BASE_URL") as string,
    });
  });

  test("[K21] the bridge to a model streams its answer and keeps the thread", async () => {
    const asked: { readonly messages: readonly { readonly content: string }[] }[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        asked.push(JSON.parse(body) as (typeof asked)[number]);
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (const content of ["answer ", `number ${asked.length}`])
          response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
        response.end("data: [DONE]\n\n");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestEnd(() => (server.closeAllConnections(), void server.close()));
    const { port } = server.address() as AddressInfo;
    const { alice, conversationId } = await setupExample("llm", {
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
      OPENAI_MODEL: "small",
    });
    await alice.say(conversationId, "first question");
    await alice.reads(isText("answer number 1"));
    await alice.say(conversationId, "second question");
    await alice.reads(isText("answer number 2"));

    expect(asked[1]?.messages.slice(1).map(({ content }) => content)).toEqual([
      "first question",
      "answer number 1",
      "second question",
    ]);
  });
});

describe("the guide", () => {
  test("[K21] greets a newcomer, shows what is asked for, and answers buttons in the language of the thread", async () => {
    const { alice, conversationId } = await setupExample("guide");
    const { en, zh } = WORDS;
    expect(await alice.reads(startsWith("Hello, Alice. I am the guide"))).toBeTruthy();
    const menu = await cardId(alice, en.menu.title);

    await alice.say(conversationId, "show me some formatting");
    await alice.reads(isText(en.markdown));
    await alice.say(conversationId, "what is the weather?");
    await alice.reads(isText(en.notUnderstood));
    await alice.say(conversationId, "提及我");
    const mention = await alice.reads(startsWith("这条是给你的"));
    expect(mention).toMatchObject({
      mentions: [alice.userId],
      reply_to: { preview_text: "提及我" },
    });
    await alice.say(conversationId, anAnswer(menu, "markdown"));
    await alice.reads(isText(zh.markdown));
    await alice.say(conversationId, "卡片");
    await alice.say(
      conversationId,
      anAnswer(await cardId(alice, zh.cards.info.title), "understood"),
    );
    expect(await alice.reads(isText(zh.cards.pressed("明白了")))).toBeTruthy();
  });

  test("[K21] takes a form's answers and shows them, and stops counting when asked to", async () => {
    const { alice, conversationId } = await setupExample("guide");
    const { en } = WORDS;
    await alice.say(conversationId, "a form please");
    const form = await cardId(alice, en.form.title);
    const values = { name: "Ada", day: "2026-05-01", guests: 2, room: "garden", agreed: true };
    await alice.say(conversationId, anAnswer(form, "submit", values));
    expect(await alice.reads(startsWith("Thank you."))).toBeTruthy();
    const shown = await alice.reads(
      (payload) => payload.type === "artifact" && payload.artifact.subtype === "response",
    );
    expect(shown).toMatchObject({ artifact: { payload: { values: { room: "garden" } } } });

    await alice.say(conversationId, "let me stop you");
    const start = await alice.sees((event) => event.type === "stream-start");
    if (start.type === "stream-start") alice.endpoint.requestStop(conversationId, start.streamId);
    expect(await alice.reads(startsWith("Stopped at"))).toBeTruthy();
  });

  test("[K21] moves a progress card and cancels it when asked to", async () => {
    const { alice, conversationId } = await setupExample("guide");
    const isShown = cardTitled(WORDS.en.progress.title);
    const seen = new Set<string>();
    const cancelOne = async (): Promise<unknown> => {
      await alice.say(conversationId, "progress");
      const card = await alice.reads(
        (one) =>
          one.type === "artifact" && isShown(one) && !seen.has(one.artifact.artifact_id ?? ""),
      );
      const id = card.type === "artifact" ? (card.artifact.artifact_id ?? "") : "";
      seen.add(id);
      await alice.say(conversationId, anAnswer(id, "cancel"));
      const last = await alice.reads(
        (one) =>
          one.type === "artifact_update" &&
          one.ref_artifact === id &&
          one.artifact.payload["status"] !== "running",
      );
      return last.type === "artifact_update" ? last.artifact.payload["status"] : null;
    };

    // It takes some seconds: who stood still so long comes too late, and asks for another.
    let status = await cancelOne();
    while (status !== "cancelled") status = await cancelOne();
    expect(seen.size).toBeGreaterThan(0);
  });
});
