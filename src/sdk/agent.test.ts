import { cpSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { base64ToBytes, base64UrlToBytes, bytesToBase64 } from "#base/base64.ts";
import { systemClock } from "#base/clock.ts";
import { assert } from "#base/invariant.ts";
import { systemRandom } from "#base/random.ts";
import { signApproval } from "#crypto/approval.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { parseCard, type ApprovalCard } from "#protocol/artifact.ts";
import type { Payload } from "#protocol/payload.ts";
import { Relation } from "#protocol/rest.ts";
import * as v from "valibot";
import { aFolder, anAgentWorld, isText, value, type AgentWorld } from "./agent-world.contract.ts";
import { HasheeAgent } from "./agent.ts";
import type { HasheeError } from "./agent-error.ts";
import type { AgentEvent } from "./incoming/agent-event.ts";
import { restRequest } from "./rest-request.ts";
import type { AgentMessage } from "./incoming/message-context.ts";

/** An agent and a person who have met; the agent does nothing yet. */
async function setupMeeting(world?: AgentWorld) {
  const at = world ?? (await anAgentWorld());
  const provisioned = await at.provision("Echo");
  const agent = await at.run(provisioned);
  const alice = await at.person("Alice");
  const conversationId = await alice.meet(provisioned, agent.fingerprint);
  return { world: at, provisioned, agent, alice, conversationId };
}

/** A promise and what settles it, for handlers that tests wait for. */
function aMailbox<Value>() {
  const heard: Value[] = [];
  const waiting: ((value: Value) => void)[] = [];
  return {
    heard,
    put(value: Value) {
      const next = waiting.shift();
      if (next === undefined) heard.push(value);
      else next(value);
    },
    take: (): Promise<Value> =>
      new Promise((resolve) => {
        const first = heard.shift();
        if (first === undefined) waiting.push(resolve);
        else resolve(first);
      }),
  };
}

const outcomeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "done",
    (error: HasheeError) => error.code,
  );

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

  test("[K12] are refused by code when the person has left or the address is none", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const events = aMailbox<AgentEvent>();
    agent.addEventHandler((event) => {
      if (event.type === "relation.revoked") events.put(event);
    });
    agent.addMessageHandler(() => {});
    const relations = value(await alice.endpoint.rest.page("/relations", Relation)).items;
    const id = relations[0]?.relation_id ?? "";
    value(await alice.endpoint.rest.call("POST", `/relations/${id}/revoke`, v.unknown(), {}));

    expect((await events.take()).conversation_id).toBe(conversationId);
    expect(await outcomeOf(agent.send(conversationId, { type: "text", text: "?" }))).toBe(
      "RELATION_REVOKED",
    );
    expect(await outcomeOf(agent.send("nowhere", { type: "text", text: "?" }))).toBe("BAD_REQUEST");
  });

  test("[K20] can be taken back, and are empty then", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const { message_id } = await agent.send(conversationId, { type: "text", text: "oops" });

    await agent.recallMessage(conversationId, message_id);

    const recalled = await alice.hears(({ content }) => content.kind === "recalled");
    expect(recalled.content).toEqual({ kind: "recalled", messageId: message_id, by: "author" });
    expect(await outcomeOf(agent.recallMessage(conversationId, "no id"))).toBe("BAD_REQUEST");
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

describe("streams over a real relay", () => {
  test("[K13] appear while they are made and end as one proven message", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const stream = agent.createStreamSession(conversationId);
    await stream.delta("Once ");
    await alice.sees((event) => event.type === "stream-text" && event.text.startsWith("Once"));
    await stream.delta("upon a time");
    const receipt = await stream.done();

    const whole = await alice.hears(
      ({ content }) => content.kind === "message" && content.payload.type === "text",
    );
    expect(whole.seq).toBe(receipt.conversation_seq);
    expect(whole.content).toMatchObject({
      payload: { text: "Once upon a time" },
      streamProof: "same",
    });
  });

  test("[K13] tell the agent that the person asks to stop, and keep what was said", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const stream = agent.createStreamSession(conversationId);
    await stream.delta("I could go on");
    const start = await alice.sees((event) => event.type === "stream-start");
    assert(start.type === "stream-start", "it is the start");
    alice.endpoint.requestStop(conversationId, start.streamId);
    await new Promise<void>((resolve) => {
      if (stream.signal.aborted) resolve();
      else stream.signal.addEventListener("abort", () => resolve());
    });
    await stream.delta(" for ever");
    await stream.done();

    expect(await alice.reads((payload) => payload.type === "text")).toMatchObject({
      text: "I could go on",
    });
  });

  test("[K13] that fail leave nothing", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const stream = agent.createStreamSession(conversationId);
    await stream.delta("half a");
    await stream.abort("demonstration");

    const end = await alice.hears(({ content }) => content.kind === "stream-ended");
    expect(end.content).toMatchObject({ reason: "aborted" });
    expect(await outcomeOf(stream.done())).toBe("STREAM_UNKNOWN");
  });
});

const cardOf = (payload: Payload) => {
  assert(payload.type === "artifact", "it is a card");
  return payload.artifact;
};
const anAnswer = (refArtifact: string, refAction: string, values = {}) => ({
  type: "artifact_response" as const,
  response_id: crypto.randomUUID(),
  ref_artifact: refArtifact,
  ref_revision: 0,
  ref_action: refAction,
  values,
});

describe("cards over a real relay", () => {
  test("[K14] change under the person's eyes, one revision at a time", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const artifact = { subtype: "progress", title: "Export", payload: { percent: 0 } };
    const card = await agent.sendArtifact(conversationId, { artifact });

    const changed = await agent.updateArtifact(conversationId, {
      ref_artifact: card.artifact_id,
      artifact: ({ payload }) => ({ payload: { percent: Number(payload["percent"]) + 75 } }),
    });
    const update = await alice.reads((payload) => payload.type === "artifact_update");

    expect([card.revision, changed.revision]).toEqual([0, 1]);
    expect(update).toMatchObject({
      ref_artifact: card.artifact_id,
      based_on_revision: 0,
      artifact: { payload: { percent: 75 } },
    });
  });

  test("[K14] learn from the relay that another process changed them first", async () => {
    const { world, provisioned, agent, conversationId } = await setupMeeting();
    const artifact = { subtype: "progress", title: "Export", payload: { percent: 0 } };
    const { artifact_id: ref_artifact } = await agent.sendArtifact(conversationId, { artifact });
    await agent.close();
    const copy = aFolder();
    cpSync(provisioned.folder, copy, { recursive: true });
    const first = await world.run(provisioned);
    await first.updateArtifact(conversationId, {
      ref_artifact,
      artifact: { payload: { percent: 40 } },
    });
    await first.close();
    const second = await world.run({ ...provisioned, folder: copy });

    const byObject = second.updateArtifact(conversationId, {
      ref_artifact,
      based_on_revision: 0,
      artifact: { payload: { percent: 50 } },
    });
    expect(await outcomeOf(byObject)).toBe("REVISION_CONFLICT");
    const byFunction = second.updateArtifact(conversationId, {
      ref_artifact,
      artifact: () => ({ payload: { percent: 50 } }),
    });
    expect((await byFunction).revision).toBe(2);
  });

  test("[K15] bring answers that passed every check, past a handler that waits for them", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const answers = aMailbox<unknown>();
    agent.addMessageHandler(async (msg) => {
      const answer = await agent.ask(msg.conversation_id, {
        title: "Age",
        fields: [{ id: "age", label: "Age", type: "number", required: true, min: 18 }],
      });
      answers.put(answer);
    });
    await alice.say(conversationId, "ask me");
    const { artifact_id = "" } = cardOf(
      await alice.reads((payload) => payload.type === "artifact"),
    );

    await alice.say(conversationId, anAnswer(artifact_id, "submit", { age: 7 }));
    const refusal = await alice.reads((payload) => payload.type === "system");
    await alice.say(conversationId, anAnswer(artifact_id, "submit", { age: 20 }));

    expect(refusal).toMatchObject({
      event: {
        name: "artifact.answer_refused",
        params: { code: "ARTIFACT_INVALID", ref_artifact: artifact_id },
      },
    });
    expect(await answers.take()).toMatchObject({
      type: "artifact_response",
      sender_id: alice.userId,
      ref_action: "submit",
      values: { age: 20 },
    });
  });

  test("[K15] that nobody answers in time give null", async () => {
    const { agent, conversationId } = await setupMeeting();
    const fields = [{ id: "a", label: "A", type: "text" as const }];

    expect(await agent.ask(conversationId, { title: "?", fields }, { timeoutMs: 1 })).toBeNull();
  });
});

describe("approvals over a real relay", () => {
  const request = {
    title: "Deploy",
    action: "deploy",
    summary: "Version 2",
    request: { version: 2 },
  };

  /** The request as the person's client has it, and a way to answer it. */
  async function setupRequest() {
    const meeting = await setupMeeting();
    const { agent, alice, conversationId } = meeting;
    const decision = agent.approve(conversationId, request);
    const entry = await alice.hears(
      ({ content }) => content.kind === "message" && content.payload.type === "artifact",
    );
    assert(entry.content.kind === "message", "it is the request");
    const { messageId, plaintextHash, payload } = entry.content;
    const artifact = cardOf(payload);
    const card = parseCard("approval", artifact.payload);
    assert(card.ok && card.value.subtype === "approval", "it is an approval");
    const asked = card.value.payload;
    const ledger = await alice.endpoint.ledger(conversationId);
    const hash = base64ToBytes(plaintextHash);
    assert(ledger !== null && hash !== null, "both are known");
    const primitives = await createPrimitives({ random: systemRandom });
    const agentId = entry.authorId;
    const fingerprint = base64UrlToBytes(agent.fingerprint) ?? new Uint8Array();
    const payloadOf = async (optionId: string, shown: ApprovalCard = asked) => {
      const signed = await signApproval(
        primitives,
        {
          conversationId,
          messageId,
          plaintextHash: hash,
          card: shown,
          agent: { accountId: agentId, fingerprint },
        },
        {
          choice: { optionId },
          locale: "en",
          approver: { accountId: alice.userId, deviceId: alice.endpoint.deviceId },
          signer: alice.device,
          ledger: { seq: ledger.seq, head: ledger.head },
          now: systemClock.now(),
        },
      );
      const approval = bytesToBase64(value(signed));
      return {
        ...anAnswer(artifact.artifact_id ?? "", "decide"),
        decision: { option_id: optionId, approval },
      };
    };
    return { ...meeting, decision, card: asked, payloadOf };
  }

  test("[K16] count when the person's device signed exactly what was shown", async () => {
    const { alice, conversationId, decision, payloadOf } = await setupRequest();

    await alice.say(conversationId, await payloadOf("approve"));

    expect(await decision).toEqual({
      approved: true,
      option_id: "approve",
      sender_id: alice.userId,
    });
  });

  test("[K16] are refused when another view was signed, and the request stays open", async () => {
    const { alice, conversationId, decision, card, payloadOf } = await setupRequest();
    const shownOtherwise = { ...card, summary: "Version 1" };

    await alice.say(conversationId, await payloadOf("approve", shownOtherwise));
    const refusal = await alice.reads((payload) => payload.type === "system");
    await alice.say(conversationId, await payloadOf("deny"));

    expect(refusal).toMatchObject({ event: { params: { code: "APPROVAL_INVALID" } } });
    expect(await decision).toMatchObject({ approved: false, option_id: "deny" });
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

  test("[K2] shares its vault with its other processes: whoever gets a message opens it", async () => {
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
    expect(first.exactly_once).toBe(false);
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

  test("[K1] rejects modes it does not speak", async () => {
    const options = {
      agentId: crypto.randomUUID(),
      token: "hsk_a",
      connectionMode: "webhook",
    } as const;

    expect(await outcomeOf(HasheeAgent.init(options))).toBe("NOT_ENABLED");
  });
});
