import { cpSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { base64ToBytes, base64UrlToBytes, bytesToBase64 } from "#base/base64.ts";
import { systemClock } from "#base/clock.ts";
import { assert } from "#base/invariant.ts";
import { systemRandom } from "#base/random.ts";
import { signApproval } from "#crypto/approval.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { sealSecret } from "#crypto/secret-seal.ts";
import type { AgentId } from "#protocol/ids.ts";
import { parseCard, type ApprovalCard } from "#protocol/artifact.ts";
import type { Payload } from "#protocol/payload.ts";
import type { HasheeError } from "./agent-error.ts";
import { aFolder, aMailbox, outcomeOf, setupMeeting, value } from "./agent-world.contract.ts";

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

  test("[K44] a call for a tool brings its result, or why there is none", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const asked = agent.callTool(conversationId, {
      tool: "clock_read",
      scope: "device:clock",
      title: "The time",
    });
    const card = cardOf(await alice.reads((payload) => payload.type === "artifact"));
    const id = card.artifact_id ?? "";
    const result = { now: "2026-01-01T00:00:00.000Z" };
    const other = { call_id: "another", status: "ok", result };
    await alice.say(conversationId, anAnswer(id, "tool_result", other));
    await alice.reads((payload) => payload.type === "system");
    await alice.say(
      conversationId,
      anAnswer(id, "tool_result", { call_id: id, status: "ok", result, duration_ms: 2 }),
    );

    expect(card).toMatchObject({
      subtype: "tool_call",
      title: "The time",
      payload: { call_id: id, tool_name: "clock_read", permission_scope: "device:clock" },
    });
    expect(await asked).toEqual({ status: "ok", result });
  });

  test("[K15] that nobody answers in time give null", async () => {
    const { agent, conversationId } = await setupMeeting();
    const fields = [{ id: "a", label: "A", type: "text" as const }];

    expect(await agent.ask(conversationId, { title: "?", fields }, { timeoutMs: 1 })).toBeNull();
  });
});

const outcomeOrCode = (asked: Promise<unknown>): Promise<unknown> =>
  asked.catch((error: HasheeError) => error.code);

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

  test("[K16] that nobody makes before the request expires are none: silence is no", async () => {
    const { agent, conversationId } = await setupMeeting();
    const ask = (expiresInMs: number) =>
      outcomeOrCode(agent.approve(conversationId, { ...request, expiresInMs }));

    // On a slow machine a short one is over before it could be sent.
    let expiresInMs = 500;
    let outcome = await ask(expiresInMs);
    while (outcome === "BAD_REQUEST") outcome = await ask((expiresInMs *= 2));

    expect(outcome).toBeNull();
  });

  test("[K40] [P217] a form's secret comes to the agent as text, and lies sealed everywhere else", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const primitives = await createPrimitives({ random: systemRandom });
    const form = {
      title: "Door",
      fields: [
        { id: "pin", label: "Pin", type: "secret" as const, required: true, max_length: 4 },
        { id: "note", label: "Note", type: "secret" as const },
      ],
    };
    const asked = agent.ask(conversationId, form);
    const card = cardOf(await alice.reads((payload) => payload.type === "artifact"));
    const agentId = agent.agentId as AgentId;
    const account = value(await alice.endpoint.account(agentId));
    assert(account.bootstrapKey !== null, "an agent's card has a long-lived key");
    const answerWith = async (pin: string, fieldId = "pin") => {
      const answer = anAnswer(card.artifact_id ?? "", "submit");
      const place = {
        conversationId,
        senderId: alice.userId,
        agentId,
        agentFingerprint: base64UrlToBytes(agent.fingerprint) ?? new Uint8Array(),
        artifactId: answer.ref_artifact,
        responseId: answer.response_id,
        fieldId,
      };
      const cardKey = account.bootstrapKey ?? new Uint8Array();
      const sealed = value(await sealSecret(primitives, place, cardKey, pin));
      return { ...answer, values: { pin: { secret: bytesToBase64(sealed) } } };
    };

    const right = await answerWith("1234");
    // Of a field that takes any text, or none: what does not open is neither.
    const unopened = { ...(await answerWith("1234")) };
    const note = { secret: (await answerWith("1234", "other")).values.pin.secret };
    const wrongNote = { ...unopened, values: { ...unopened.values, note } };
    for (const wrong of [await answerWith("12345"), await answerWith("1234", "other"), wrongNote]) {
      await alice.say(conversationId, wrong);
      await alice.reads(
        (payload) =>
          payload.type === "system" && payload.event.params?.["response_id"] === wrong.response_id,
      );
    }
    await alice.say(conversationId, right);

    expect((await asked)?.values).toEqual({ pin: "1234" });
    const { messages } = await agent.history(conversationId, {});
    const kept = messages.flatMap(({ payload }) =>
      payload?.type === "artifact_response" ? payload.values : [],
    );
    expect(kept.at(-1)).toEqual(right.values);
    expect(JSON.stringify(messages)).not.toContain('1234"');
  });
});
