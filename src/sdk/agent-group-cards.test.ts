import { describe, expect, test } from "vitest";
import { base64ToBytes, base64UrlToBytes, bytesToBase64 } from "#base/base64.ts";
import { systemClock } from "#base/clock.ts";
import { assert } from "#base/invariant.ts";
import { systemRandom } from "#base/random.ts";
import { ok } from "#base/result.ts";
import { signApproval } from "#crypto/approval.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { parseCard } from "#protocol/artifact.ts";
import { makeId, type AgentId, type ConversationId } from "#protocol/ids.ts";
import { Conversation } from "#protocol/rest.ts";
import { aMailbox, anAgentWorld, value, type Person } from "./agent-world.contract.ts";
import type { AgentEvent, ApprovalDecision } from "./incoming/agent-event.ts";

/** An agent and two people in a group of one of them. */
async function setupGroup() {
  const world = await anAgentWorld();
  const provisioned = await world.provision("Echo");
  const agent = await world.run(provisioned);
  const [alice, bob] = [await world.person("Alice"), await world.person("Bob")];
  const conversationId = makeId<ConversationId>(systemClock.now(), systemRandom);
  const agentId = agent.agentId as AgentId;
  value(await alice.endpoint.pin(agentId, base64UrlToBytes(agent.fingerprint)));
  value(await alice.endpoint.pin(bob.userId, null));
  const members = [
    { accountId: agentId, kind: "agent" as const },
    { accountId: bob.userId, kind: "human" as const },
  ];
  const founded = await alice.endpoint.foundConversation({
    conversationId,
    type: "group",
    members,
    post: async (ledger) => {
      const body = {
        conversation_id: conversationId,
        members: members.map(({ accountId: id, kind: type }) => ({ id, type })),
        ledger: ledger.map(bytesToBase64),
      };
      const posted = await alice.endpoint.rest.call("POST", "/groups", Conversation, body);
      return posted.ok ? ok(null) : posted;
    },
  });
  value(founded);
  await alice.say(conversationId, "hello");
  await bob.reads();
  return { agent, alice, bob, conversationId };
}

/** The first card of the group as this person has it. */
async function cardOf(person: Person) {
  const entry = await person.hears(
    ({ content }) => content.kind === "message" && content.payload.type === "artifact",
  );
  assert(entry.content.kind === "message", "it is a message");
  const { payload, messageId, plaintextHash } = entry.content;
  assert(payload.type === "artifact", "it is a card");
  return { artifact: payload.artifact, messageId, plaintextHash, agentId: entry.authorId };
}

const answerTo = (artifactId: string, action: string, values: Record<string, unknown> = {}) => ({
  type: "artifact_response" as const,
  response_id: crypto.randomUUID(),
  ref_artifact: artifactId,
  ref_revision: 0,
  ref_action: action,
  values,
});

describe("a vote in a group", () => {
  test("[K41] counts one vote of each member before everyone's eyes and ends when all have voted", async () => {
    const { agent, alice, bob, conversationId } = await setupGroup();
    const result = agent.vote(conversationId, {
      question: "Tea or coffee?",
      options: [
        { id: "tea", label: "Tea" },
        { id: "coffee", label: "Coffee" },
      ],
      responders: [alice.userId, bob.userId],
    });
    const { artifact } = await cardOf(alice);
    const id = artifact.artifact_id ?? "";

    await alice.say(conversationId, answerTo(id, "vote", { option_id: "coffee" }));
    const update = await bob.reads((payload) => payload.type === "artifact_update");
    await alice.say(conversationId, answerTo(id, "vote", { option_id: "tea" }));
    await bob.say(conversationId, answerTo(id, "vote", { option_id: "coffee" }));

    expect(update).toMatchObject({
      artifact: { payload: { options: [{ votes: 0 }, { votes: 1 }], closed: false } },
    });
    expect(await result).toEqual({
      artifact_id: id,
      options: [
        { id: "tea", label: "Tea", votes: 0 },
        { id: "coffee", label: "Coffee", votes: 2 },
      ],
      choices: { [alice.userId]: "coffee", [bob.userId]: "coffee" },
    });
    const closing = await bob.reads(
      (payload) =>
        payload.type === "artifact_update" && payload.artifact.payload["closed"] === true,
    );
    expect(closing).toMatchObject({ ref_artifact: id });
  });
});

describe("a request that several have to approve", () => {
  async function setupRequest() {
    const group = await setupGroup();
    const { agent, alice, bob, conversationId } = group;
    const events = aMailbox<ApprovalDecision | undefined>();
    agent.addEventHandler((event) => {
      if (event.type === "artifact_response") events.put(event.decision);
    });
    const decision = agent.approve(conversationId, {
      title: "Deploy",
      action: "deploy",
      summary: "Version 2",
      request: { version: 2 },
      quorum: { required: 2, approvers: [alice.userId, bob.userId] },
    });
    const decide = async (person: Person, optionId: string) => {
      const { artifact, messageId, plaintextHash, agentId } = await cardOf(person);
      const card = parseCard("approval", artifact.payload);
      const ledger = await person.endpoint.ledger(conversationId);
      const hash = base64ToBytes(plaintextHash);
      const fingerprint = base64UrlToBytes(agent.fingerprint);
      assert(card.ok && card.value.subtype === "approval", "it is an approval");
      assert(ledger !== null && hash !== null && fingerprint !== null, "all is known");
      const signed = await signApproval(
        await createPrimitives({ random: systemRandom }),
        {
          conversationId,
          messageId,
          plaintextHash: hash,
          card: card.value.payload,
          agent: { accountId: agentId, fingerprint },
        },
        {
          choice: { optionId },
          locale: "en",
          approver: { accountId: person.userId, deviceId: person.endpoint.deviceId },
          signer: person.device,
          ledger: { seq: ledger.seq, head: ledger.head },
          now: systemClock.now(),
        },
      );
      await person.say(conversationId, {
        ...answerTo(artifact.artifact_id ?? "", optionId),
        decision: { option_id: optionId, approval: bytesToBase64(value(signed)) },
      });
    };
    return { ...group, decision, decide, events };
  }

  test("[K42] is approved by the approval that completes it, and by none before", async () => {
    const { alice, bob, decision, decide, events } = await setupRequest();

    await decide(alice, "approve");
    const first = await events.take();
    await decide(bob, "approve");

    expect(first).toEqual({
      approved: false,
      option_id: "approve",
      quorum: { outcome: "pending", required: 2, approved: 1 },
    });
    expect(await decision).toEqual({
      approved: true,
      option_id: "approve",
      quorum: { outcome: "approved", required: 2, approved: 2 },
      sender_id: bob.userId,
    });
  });

  test("[K42] is denied by the first denial, whoever has approved before", async () => {
    const { alice, bob, decision, decide, events } = await setupRequest();

    await decide(alice, "approve");
    await events.take();
    await decide(bob, "deny");

    expect(await decision).toMatchObject({
      approved: false,
      option_id: "deny",
      quorum: { outcome: "denied", approved: 1 },
      sender_id: bob.userId,
    });
  });
});

describe("what a group shows", () => {
  test("[K11] is told when who leads sets it, not when a member does, and is set by who leads alone", async () => {
    const { agent, alice, bob, conversationId } = await setupGroup();
    agent.addMessageHandler(() => undefined);
    const told: AgentEvent[] = [];
    const heard = new Promise<void>((resolve) => {
      agent.addEventHandler((event) => {
        if (event.type !== "group.profile") return;
        told.push(event);
        resolve();
      });
    });

    await bob.say(conversationId, { type: "profile", name: "Mine now" });
    await alice.reads((payload) => payload.type === "profile");
    await alice.say(conversationId, { type: "profile", name: "Tea", description: "At five." });
    await heard;

    expect(told).toMatchObject([
      { sender_id: alice.userId, name: "Tea", description: "At five.", avatar: null },
    ]);
    await expect(agent.setGroupProfile(conversationId, { name: "Coffee" })).rejects.toMatchObject({
      code: "ROLE_REQUIRED",
    });
    const change = { type: "role", accountId: agent.agentId as AgentId, role: "admin" } as const;
    value(await alice.endpoint.changeMembers(conversationId, change));
    // The agent hears of its role a moment later.
    const set = () =>
      agent.setGroupProfile(conversationId, { name: "Coffee" }).then(
        () => "set",
        ({ code }) => code,
      );
    await expect.poll(set).toBe("set");
    const entry = await bob.hears(
      ({ content }) =>
        content.kind === "message" &&
        content.payload.type === "profile" &&
        content.payload.name === "Coffee",
    );
    expect(entry.content).toMatchObject({ isByLead: true });
  });
});
