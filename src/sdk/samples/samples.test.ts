import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runProgram } from "../agent-program.contract.ts";
import {
  aFolder,
  anAgentWorld,
  environmentOf,
  isText,
} from "../agent-world.contract.ts";

const ALIAS = ["--import", join(import.meta.dirname, "alias.ts")];

describe("the published hello-world program", () => {
  test("[K19] runs unchanged, prints what its page says, answers, ends, and starts again with its keys", async () => {
    const world = await anAgentWorld();
    const agent = await world.provision("Hello");
    const environment = { ...environmentOf(world.url, agent), HOME: aFolder() };
    const first = runProgram("samples/hello-world-websocket.ts", environment, ALIAS);
    await first.prints("up; waiting for messages");
    const keysFile = join(environment.HOME, ".hashee", agent.agentId, "keystore.json");

    expect(first.lines).toEqual([
      `[hashee] keys persisted → ${keysFile}`,
      "[hashee] connection: connecting",
      "[hashee] connection: connected",
      "[hashee] up; waiting for messages... (Ctrl+C to quit)",
    ]);
    expect(Object.keys(JSON.parse(readFileSync(keysFile, "utf8")) as object).sort()).toEqual([
      "privateKey",
      "publicKey",
      "signingPrivateKey",
      "signingPublicKey",
    ]);

    const alice = await world.person("Alice");
    const conversationId = await alice.meet(agent, null);
    await alice.say(conversationId, "测试 1");
    expect(await alice.reads(isText('你好!我收到了 "测试 1"'))).toBeTruthy();
    await first.prints(`[hashee] replied conv=${conversationId}`);
    expect(await first.stop()).toBe(0);
    expect(first.lines.slice(-2)).toEqual([
      "[hashee] received SIGTERM; shutting down...",
      "[hashee] connection: disconnected",
    ]);

    const second = runProgram("samples/hello-world-websocket.ts", environment, ALIAS);
    await second.prints("up; waiting for messages");
    expect(second.lines.slice(0, 2)).toEqual([
      "[hashee] connection: connecting",
      "[hashee] connection: connected",
    ]);
    await alice.say(conversationId, "测试 2");
    expect(await alice.reads(isText('你好!我收到了 "测试 2"'))).toBeTruthy();
  });
});

describe("the published snippets for sending", () => {
  test("[K19] run unchanged, one after the other", async () => {
    const world = await anAgentWorld();
    const agent = await world.provision("Snippets");
    const program = runProgram("samples/send-replies.js", environmentOf(world.url, agent), ALIAS);
    await program.prints("up, connected");
    const alice = await world.person("Alice");
    const names = ["simplest", "typing", "typingPractice", "markdown", "mention", "replyTo", "recall"];
    names.push("push", "restPush", "broadcast", "artifact", "failures", "streaming");
    const conversationId = await alice.meet(agent, null);

    for (const name of names) await alice.say(conversationId, name);
    // A snippet that throws ends up on stderr; the program goes on, its word never comes.
    for (const name of names) await alice.reads(isText(`ran ${name}`));

    expect(program.lines).toEqual(["up, connected"]);
    expect(await alice.reads(isText("a streamed answer"))).toBeTruthy();
    expect(await alice.reads(isText("thought about typingPractice"))).toBeTruthy();
    expect(await alice.reads((payload) => payload.type === "artifact")).toMatchObject({
      artifact: { title: "导出进度", payload: { percent: 75, eta_s: 120 } },
    });
    expect(await alice.reads((payload) => "reply_to" in payload)).toMatchObject({
      reply_to: { sender_id: alice.userId, preview_text: "replyTo" },
    });
    expect(await alice.hears(({ content }) => content.kind === "recalled")).toBeTruthy();
  });
});

describe("the published Prometheus exporter", () => {
  test("[K19] runs unchanged and counts what comes in, by the names and labels of our own measures", async () => {
    const world = await anAgentWorld();
    const agent = await world.provision("Counted");
    const environment = environmentOf(world.url, agent);
    const program = runProgram("samples/prometheus-exporter.js", environment, ALIAS);
    const line = await program.prints("asked for 9090, listening on");
    const port = line.split(" ").at(-1);
    const alice = await world.person("Alice");
    const conversationId = await alice.meet(agent, null);
    const own = await world.run(await world.provision("Ours"));

    await alice.say(conversationId, "count me");
    const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    let text = await scrape();
    while (!text.includes("payload_type")) text = await scrape();

    expect(text).toContain(
      'hashee_message_inbound_total{conv_type="h2a",payload_type="text"} 1',
    );
    expect(own.metrics().toPrometheus()).toContain("hashee_connection_status 1");
  });
});
