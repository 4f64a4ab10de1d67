import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { systemClock, type Clock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { Relation } from "#protocol/rest.ts";
import * as v from "valibot";
import { runProgram } from "./agent-program.contract.ts";
import {
  aFolder,
  aMailbox,
  anAgentWorld,
  environmentOf,
  isText,
  outcomeOf,
  setupMeeting,
  value,
} from "./agent-world.contract.ts";
import type { HasheeError } from "./agent-error.ts";
import type { AgentEvent } from "./incoming/agent-event.ts";
import type { AgentMessage } from "./incoming/message-context.ts";
import { openFileStore } from "./local/file-store.ts";
import { restRequest } from "./rest-request.ts";

describe("messages over a real relay", () => {
  test("[K12] go both ways, each read by the other alone, and the receipt says where they stand", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const inbox = aMailbox<AgentMessage>();
    agent.addMessageHandler((msg) => inbox.put(msg));

    const said = await alice.say(conversationId, "hello");
    const heard = await inbox.take();
    const receipt = await agent.send(conversationId, {
      type: "text",
      text: "hello yourself",
      reply_to: { message_id: heard.message_id, sender_id: heard.sender_id, preview_text: "hello" },
    });
    const answer = await alice.hears(
      ({ content }) => content.kind === "message" && content.messageId === receipt.message_id,
    );

    expect(heard).toMatchObject({
      conversation_id: conversationId,
      conversation_type: "h2a",
      conversation_seq: said.seq,
      sender_id: alice.userId,
      sender_type: "human",
      sender_display_name: "Alice",
      payload: { type: "text", text: "hello" },
      exactly_once: true,
      verified_sender: true,
    });
    expect(answer.seq).toBe(receipt.conversation_seq);
    expect(answer.content).toMatchObject({ payload: { text: "hello yourself" }, reduced: false });
  });

  test("[K12] sent together arrive in the order they were sent", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const texts = Array.from({ length: 12 }, (_, i) => `number ${i}`);

    const receipts = await Promise.all(
      texts.map((text) => agent.send(conversationId, { type: "text", text })),
    );
    await alice.reads(isText("number 11"));

    const seqs = receipts.map(({ conversation_seq }) => conversation_seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  });

  test("[K5] wait for the first handler, and none is lost", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    await alice.say(conversationId, "early");
    await alice.say(conversationId, "bird");
    const inbox = aMailbox<AgentMessage>();

    agent.addMessageHandler((msg) => inbox.put(msg));

    expect((await inbox.take()).payload).toMatchObject({ text: "early" });
    expect((await inbox.take()).payload).toMatchObject({ text: "bird" });
  });

  test("[K5] go on after a handler threw, and its error reaches the error handler", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const [errors, inbox] = [aMailbox<HasheeError>(), aMailbox<AgentMessage>()];
    agent.addErrorHandler((error) => errors.put(error));
    agent.addMessageHandler((msg) => {
      inbox.put(msg);
      throw new Error("in the program");
    });
    await alice.say(conversationId, "one");
    await alice.say(conversationId, "two");

    expect(await errors.take()).toMatchObject({ code: "HANDLER_FAILED", fatal: false });
    expect([await inbox.take(), await inbox.take()].map(({ payload }) => payload)).toMatchObject([
      { text: "one" },
      { text: "two" },
    ]);
  });

  test("[K12] survive a relay that restarts, in both directions", async () => {
    const { world, agent, alice, conversationId } = await setupMeeting();
    const inbox = aMailbox<AgentMessage>();
    agent.addMessageHandler((msg) => inbox.put(msg));
    await world.restartRelay();

    const sending = agent.send(conversationId, { type: "text", text: "across" });
    await alice.say(conversationId, "from the other side");

    expect((await inbox.take()).payload).toMatchObject({ text: "from the other side" });
    expect((await sending).conversation_seq).toBeGreaterThan(0);
    expect(await alice.reads(isText("across"))).toBeTruthy();
  });

  test("[K12] beyond the relay's rate are waited out, and none is lost", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const texts = Array.from({ length: 28 }, (_, i) => `batch ${i}`);

    await Promise.all(texts.map((text) => agent.send(conversationId, { type: "text", text })));

    await alice.reads(isText("batch 27"));
    expect(agent.metrics().toPrometheus()).toContain(
      'hashee_message_outbound_total{conv_type="h2a",payload_type="text"} 28',
    );
  });

  test("[K32] a person's decision about what the agent may do is an event", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const events = aMailbox<AgentEvent>();
    agent.addEventHandler((event) => {
      if (event.type === "agent.capability_changed") events.put(event);
    });
    const relations = value(await alice.endpoint.rest.page("/relations", Relation)).items;
    const id = relations[0]?.relation_id ?? "";
    const { capability_manifest_version } = await agent.profile();
    const granted = { capability_manifest_version, granted_scopes: ["calendar:read"] };
    value(await alice.endpoint.rest.call("PUT", `/relations/${id}/scopes`, Relation, granted));

    expect(await events.take()).toEqual({
      type: "agent.capability_changed",
      user_id: alice.userId,
      relation_id: id,
      accepted: true,
      granted_scopes: ["calendar:read"],
      capability_manifest_version,
    });
    const inbox = aMailbox<AgentMessage>();
    agent.addMessageHandler((msg) => inbox.put(msg));
    await alice.say(conversationId, "and that is all");
    await inbox.take();
    expect(events.heard).toEqual([]);
  });

  test("[K12] are refused by code when the person has left or the address is none", async () => {
    const { agent, alice, conversationId, provisioned } = await setupMeeting();
    const events = aMailbox<AgentEvent>();
    agent.addEventHandler((event) => {
      if (event.type === "relation.revoked") events.put(event);
    });
    agent.addMessageHandler(() => {});
    const relations = value(await alice.endpoint.rest.page("/relations", Relation)).items;
    const id = relations[0]?.relation_id ?? "";
    value(await alice.endpoint.rest.call("POST", `/relations/${id}/revoke`, v.unknown(), {}));

    expect(await events.take()).toMatchObject({ conversation_id: conversationId });
    expect(await outcomeOf(agent.send(conversationId, { type: "text", text: "?" }))).toBe(
      "RELATION_REVOKED",
    );
    expect(await outcomeOf(agent.send("nowhere", { type: "text", text: "?" }))).toBe("BAD_REQUEST");
    await agent.close();
    const store = openFileStore(join(provisioned.folder, "vault", "store-1.sqlite"));
    expect(await store?.list("outbox")).toEqual([]);
    await store?.close();
  });

  test("[K6] that were in a handler when its process was killed come back as interrupted, once", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Mortal");
    const program = join(aFolder(), "mortal.mjs");
    const sdk = pathToFileURL(join(import.meta.dirname, "index.ts")).href;
    writeFileSync(
      program,
      `import { HasheeAgent } from ${JSON.stringify(sdk)};
      const agent = await HasheeAgent.init();
      agent.addMessageHandler(async (msg) => {
        console.log(msg.interrupted ? "again" : "begun", msg.payload.text);
        if (msg.payload.text === "endless" && !msg.interrupted) await new Promise(() => {});
      });
      console.log("up", agent.status);`,
    );
    const environment = environmentOf(world.url, provisioned);
    const first = runProgram(program, environment);
    await first.prints("up connected");
    const alice = await world.person("Alice");
    const conversationId = await alice.meet(provisioned, null);
    await alice.say(conversationId, "endless");
    await alice.say(conversationId, "behind it");
    await first.prints("begun endless");
    await first.stop("SIGKILL");

    const second = runProgram(program, environment);
    await second.prints("behind it");

    expect(second.lines.filter((line) => !line.startsWith("up"))).toEqual([
      "again endless",
      "begun behind it",
    ]);
    await second.stop("SIGKILL");
    const third = runProgram(program, environment);
    await third.prints("up connected");
    await alice.say(conversationId, "anything left?");
    await third.prints("anything left?");
    // The second was killed too, perhaps before it could note the end of "behind it".
    expect(third.lines.filter((line) => line.includes("endless"))).toEqual([]);
  });

  test("[K20] can be taken back, and are empty then", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const { message_id } = await agent.send(conversationId, { type: "text", text: "oops" });

    await agent.recallMessage(conversationId, message_id);

    const recalled = await alice.hears(({ content }) => content.kind === "recalled");
    expect(recalled.content).toEqual({ kind: "recalled", messageId: message_id, by: "author" });
    expect(await outcomeOf(agent.recallMessage(conversationId, "no id"))).toBe("BAD_REQUEST");
  });

  test("[K20] stay as they are once the relay's window has passed, and those of others always do", async () => {
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    const { agent, alice, conversationId } = await setupMeeting(await anAgentWorld({ clock }));
    const { message_id } = await agent.send(conversationId, { type: "text", text: "it stays" });
    const { content } = await alice.say(conversationId, "mine");
    const hers = content.kind === "message" ? content.messageId : "";

    expect(await outcomeOf(agent.recallMessage(conversationId, hers))).toBe("RECALL_NOT_OWNER");
    aheadMs = 121_000;
    expect(await outcomeOf(agent.recallMessage(conversationId, message_id))).toBe(
      "RECALL_WINDOW_EXPIRED",
    );
  });

  test("[K7] are announced by the sign of typing", async () => {
    const { agent, alice, conversationId } = await setupMeeting();

    await agent.typing(conversationId);

    const sign = await alice.sees((event) => event.type === "typing");
    expect(sign).toMatchObject({ conversationId, typing: true });
    await agent.stopTyping(conversationId);
    expect(await alice.sees((event) => event.type === "typing" && !event.typing)).toBeTruthy();
  });

  test("[K8] are counted", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const inbox = aMailbox<AgentMessage>();
    agent.addMessageHandler((msg) => inbox.put(msg));
    await alice.say(conversationId, "count me");
    await inbox.take();
    await agent.send(conversationId, { type: "text", text: "and me" });
    await alice.reads(isText("and me"));

    const text = agent.metrics().toPrometheus();

    expect(text).toContain("hashee_connection_status 1");
    expect(text).toContain('hashee_message_inbound_total{conv_type="h2a",payload_type="text"} 1');
    expect(text).toContain('hashee_message_outbound_total{conv_type="h2a",payload_type="text"} 1');
    expect(text).toContain('hashee_send_duration_ms_count{conv_type="h2a"} 1');
  });
});

describe("an agent's life", () => {
  test("[K3] begins with connecting and connected, and ends with disconnected", async () => {
    const { agent } = await setupMeeting();
    const heard: string[] = [];
    agent.addStatusHandler((status) => heard.push(status));
    await agent.close();

    expect(heard).toEqual(["connecting", "connected", "disconnected"]);
  });

  test("[K4] ends with a fatal error when the relay does not know its token", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Stranger");
    const agent = await world.run({ ...provisioned, token: `hsk_${"x".repeat(40)}` });
    const errors = aMailbox<HasheeError>();
    agent.addErrorHandler((error) => errors.put(error));

    expect(await errors.take()).toMatchObject({ code: "UNAUTHENTICATED", fatal: true });
    expect(agent.status).toBe("error");
    const sent = agent.send(crypto.randomUUID(), { type: "text", text: "?" });
    expect(await outcomeOf(sent)).toBe("UNAUTHENTICATED");
  });

  test("[K3] starts where no relay answers yet, and goes on trying", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Patient");
    const agent = await world.run(provisioned, { baseUrl: "http://127.0.0.1:9" });
    const heard: string[] = [];
    agent.addStatusHandler((status) => heard.push(status));

    expect(heard).toEqual(["connecting", "reconnecting"]);
    await agent.close();
  });

  test("[K2] keeps one identity over its runs", async () => {
    const { world, provisioned, agent, alice, conversationId } = await setupMeeting();
    await agent.close();
    const again = await world.run(provisioned);
    const inbox = aMailbox<AgentMessage>();
    again.addMessageHandler((msg) => inbox.put(msg));
    await alice.say(conversationId, "still you?");

    expect(again.fingerprint).toBe(agent.fingerprint);
    expect((await inbox.take()).payload).toMatchObject({ text: "still you?" });
  });

  test("[K2] is refused by the relay when it comes with other keys", async () => {
    const { world, provisioned, agent } = await setupMeeting();
    await agent.close();
    const keys = {
      privateKey: bytesToBase64(systemRandom(32)),
      signingPrivateKey: bytesToBase64(systemRandom(32)),
    };
    const other = await world.run(provisioned, keys);
    const errors = aMailbox<HasheeError>();
    other.addErrorHandler((error) => errors.put(error));

    expect(await errors.take()).toMatchObject({ code: "AGENT_KEY_MISMATCH", fatal: true });
  });

  test("[K2] [K34] shares its vault and its claims with its other processes: whoever gets a message opens it, once", async () => {
    const { world, provisioned, agent, alice, conversationId } = await setupMeeting();
    const inbox = aMailbox<AgentMessage>();
    agent.addMessageHandler((msg) => inbox.put(msg));
    const replica = await world.run(provisioned);
    replica.addMessageHandler((msg) => inbox.put(msg));
    await alice.say(conversationId, "to either");
    const first = await inbox.take();
    await (replica.status === "connected" ? agent : replica).close();
    await alice.say(conversationId, "to who is left");

    expect(first.payload).toMatchObject({ text: "to either" });
    expect(first.exactly_once).toBe(true);
    expect((await inbox.take()).payload).toMatchObject({ text: "to who is left" });
  });

  test("[K2] offers no prekeys beside a process whose prekeys it does not hold", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Replicated");
    const keys = {
      privateKey: bytesToBase64(systemRandom(32)),
      signingPrivateKey: bytesToBase64(systemRandom(32)),
    };
    const first = await world.run(provisioned, keys);
    const alice = await world.person("Alice");
    const conversationId = await alice.meet(provisioned, first.fingerprint);
    const elsewhere = await world.run({ ...provisioned, folder: aFolder() }, keys);
    const inbox = aMailbox<AgentMessage>();
    for (const agent of [first, elsewhere]) agent.addMessageHandler((msg) => inbox.put(msg));
    const { agentId, token } = provisioned;
    const call = { method: "GET", baseUrl: world.url, path: `/keys/agents/${agentId}`, token };
    await expect.poll(() => restRequest(call)).toMatchObject({ prekeys: [] });
    await alice.say(conversationId, "opens on any host");

    expect((await inbox.take()).payload).toMatchObject({ text: "opens on any host" });
  });

  test("[K2] withdraws its prekeys where it has no vault, and still opens what is said", async () => {
    const world = await anAgentWorld();
    const provisioned = await world.provision("Bare");
    const keys = {
      privateKey: bytesToBase64(systemRandom(32)),
      signingPrivateKey: bytesToBase64(systemRandom(32)),
    };
    const first = await world.run(provisioned, keys);
    const alice = await world.person("Alice");
    const conversationId = await alice.meet(provisioned, first.fingerprint);
    const { agentId, token } = provisioned;
    const call = { method: "GET", baseUrl: world.url, path: `/keys/agents/${agentId}`, token };
    await expect.poll(() => restRequest(call)).toMatchObject({ prekeys: [{}, {}] });
    await first.close();

    const bare = await world.run(provisioned, { ...keys, keyVault: null, dedupe: null });
    const inbox = aMailbox<AgentMessage>();
    bare.addMessageHandler((msg) => inbox.put(msg));
    await expect.poll(() => restRequest(call)).toMatchObject({ prekeys: [] });
    await alice.say(conversationId, "opens all the same");

    expect((await inbox.take()).payload).toMatchObject({ text: "opens all the same" });
  });

  test("[K18] ends only after running handlers and their sends", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const begun = aMailbox<null>();
    agent.addMessageHandler(async (msg) => {
      begun.put(null);
      await agent.send(msg.conversation_id, { type: "text", text: "last words" });
    });
    await alice.say(conversationId, "go");
    await begun.take();
    await agent.close();

    expect(await alice.reads(isText("last words"))).toBeTruthy();
    expect(await outcomeOf(agent.send(conversationId, { type: "text", text: "too late" }))).toBe(
      "CLOSED",
    );
    await agent.close();
  });
});
