import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesToBase64, base64ToBytes } from "#base/base64.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { TrustView } from "#bridge/views.ts";
import { approvalDigest, verifyApproval } from "#crypto/approval.ts";
import { approvalView } from "#crypto/approval-view.ts";
import { fingerprint } from "#crypto/identity.ts";
import { currentDeviceKey } from "#crypto/ledger/account-state.ts";
import { primitives } from "#peer/endpoint-world.contract.ts";
import type { Entry } from "#peer/endpoint.ts";
import type { ApprovalCard } from "#protocol/artifact.ts";
import type { ArtifactId, ConversationId } from "#protocol/ids.ts";
import { approvalBlock } from "./approvals.ts";
import {
  fingerprintIn,
  must,
  startEngineWorld,
  words,
  type EngineWorld,
  type Seat,
} from "./engine-world.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

type Guide = Awaited<ReturnType<EngineWorld["agent"]>>;
const together = async (): Promise<{ ada: Seat; guide: Guide; id: ConversationId }> => {
  const ada = await world.person("Ada");
  const guide = await world.agent();
  const id = must(await ada.calls.acceptInvite({ url: guide.link }));
  if (id === null) throw new Error("no conversation");
  await guide.until(
    (event): event is never => event.type === "entry" && event.entry.conversationId === id,
  );
  return { ada, guide, id };
};
const isMessage = (entry: Entry) => entry.content.kind === "message";
const payloadOf = (entry: Entry) =>
  entry.content.kind === "message" ? entry.content.payload : null;

describe("windows of a thread", () => {
  test("[N28] join without a hole or a repeat, and around a message as well", async () => {
    const { ada, guide, id } = await together();
    const count = 130;
    const sent = await Promise.all(
      Array.from({ length: count }, async (_, i) =>
        must(await guide.endpoint.send(id, { type: "text", text: `row ${i}` })),
      ),
    );
    await ada.until(
      (event): event is EngineEvent =>
        event.type === "conversation" && event.conversation.unreadCount === count,
    );

    const seen: string[] = [];
    let window = await ada.openThread(id);
    seen.unshift(...window.messages.map(words));
    while (window.hasBefore) {
      const beforeId = window.messages[0]?.id;
      if (beforeId === undefined) break;
      window = must(await ada.calls.loadBefore({ conversationId: id, beforeId }));
      seen.unshift(...window.messages.map(words));
    }
    const rows = seen.filter((text) => text.startsWith("row "));
    expect(rows).toEqual(Array.from({ length: count }, (_, i) => `row ${i}`));

    const middle = sent[20]?.messageId;
    if (middle === undefined) throw new Error("nothing sent");
    must(
      await guide.endpoint.send(id, {
        type: "reaction",
        message_id: middle,
        emoji: "👀",
        op: "add",
      }),
    );
    await ada.row(({ id: rowId, reactions }) => rowId === middle && reactions.length === 1);
    let around = must(await ada.calls.openThread({ conversationId: id, aroundMessageId: middle }));
    expect(around.hasAfter).toBe(true);
    expect(around.messages.find((row) => row.id === middle)?.reactions).toHaveLength(1);
    const onward = around.messages.map(words);
    while (around.hasAfter) {
      const afterId = around.messages.at(-1)?.id;
      if (afterId === undefined) break;
      around = must(await ada.calls.loadAfter({ conversationId: id, afterId }));
      onward.push(...around.messages.map(words));
    }
    expect(onward.filter((text) => text.startsWith("row ")).at(-1)).toBe(`row ${count - 1}`);
    expect(new Set(onward).size).toBe(onward.length);
  });

  test("[N29] are told to the page that has them open, and to no other", async () => {
    const { ada, guide, id } = await together();
    await ada.openThread(id);
    const other = ada.openPage();
    const heard: string[] = [];
    other.onEvent((event) => heard.push(event.type));

    must(await guide.endpoint.send(id, { type: "text", text: "for one page" }));
    await ada.row((row) => words(row) === "for one page");
    await expect.poll(() => heard).toContain("conversation");

    expect(heard).not.toContain("messages");
    other.close();
  });
});

describe("what is said can be", () => {
  test("[N53] taken back: both sides lose the words", async () => {
    const { ada, guide, id } = await together();
    await ada.openThread(id);
    const messageId = must(
      await ada.calls.sendText({ conversationId: id, text: "oops", mentions: [], replyToId: null }),
    );
    await guide.text("oops");
    await ada.row((row) => row.id === messageId && row.canRecallUntil !== null);

    must(await ada.calls.recall({ conversationId: id, messageId }));

    await guide.entry(
      ({ content }) => content.kind === "recalled" && content.messageId === messageId,
    );
    await ada.row((row) => row.id === messageId && row.body.kind === "recalled");
    expect(must(await ada.calls.search({ query: "oops", conversationId: id, limit: 5 }))).toEqual(
      [],
    );
  });

  test("[N53] reacted to and quoted", async () => {
    const { ada, guide, id } = await together();
    await ada.openThread(id);
    const said = must(await guide.endpoint.send(id, { type: "text", text: "quote me" }));
    await ada.row((row) => words(row) === "quote me");

    must(
      await ada.calls.react({
        conversationId: id,
        messageId: said.messageId,
        emoji: "👍",
        op: "add",
      }),
    );
    must(
      await ada.calls.sendText({
        conversationId: id,
        text: "quoted",
        mentions: [],
        replyToId: said.messageId,
      }),
    );

    await guide.entry((entry) => payloadOf(entry)?.type === "reaction");
    const { messageId } = said;
    must(await ada.calls.react({ conversationId: id, messageId, emoji: "👍", op: "remove" }));
    const ops: unknown[] = [];
    for (const op of ["add", "remove"]) {
      const heard = await guide.entry((entry) => {
        const payload = payloadOf(entry);
        return payload?.type === "reaction" && payload.op === op;
      });
      ops.push(payloadOf(heard));
    }
    expect(ops).toMatchObject([
      { message_id: messageId, emoji: "👍", op: "add" },
      { message_id: messageId, emoji: "👍", op: "remove" },
    ]);
    const reply = await guide.text("quoted");
    expect(payloadOf(reply)).toMatchObject({
      reply_to: { message_id: said.messageId, preview_text: "quote me" },
    });
    const own = await ada.row((row) => words(row) === "quoted" && row.seq !== null);
    expect(own.replyTo).toMatchObject({ text: "quote me", isQuotedByAuthor: false });
  });

  test("[N54] thrown away before it left", async () => {
    const { ada, id } = await together();
    await ada.openThread(id);
    ada.cut();
    const messageId = must(
      await ada.calls.sendText({
        conversationId: id,
        text: "never",
        mentions: [],
        replyToId: null,
      }),
    );
    await ada.row((row) => row.id === messageId && row.delivery?.status === "queued");

    must(await ada.calls.recall({ conversationId: id, messageId }));

    await ada.until(
      (event): event is EngineEvent =>
        event.type === "messages-removed" && event.messageIds.includes(messageId),
    );
    await ada.mend();
  });

  test("[N54] refused before it is kept: empty, too long, or where nothing can be sent", async () => {
    const { ada, id } = await together();
    const say = (text: string, conversationId = id) =>
      ada.calls.sendText({ conversationId, text, mentions: [], replyToId: null });

    expect(await say("  ")).toMatchObject({ failure: { kind: "engine/text-empty" } });
    expect(await say("x".repeat(100_001))).toMatchObject({
      failure: { kind: "engine/text-too-long", params: { limit: 100_000 } },
    });
    must(await ada.calls.revokeRelation({ conversationId: id }));
    expect(await say("hello?")).toMatchObject({
      failure: { kind: "engine/sending-blocked", params: { because: "ended" } },
    });
  });
});

describe("an approval", () => {
  const cardOf = (risk: ApprovalCard["risk"], more: Partial<ApprovalCard> = {}): ApprovalCard => {
    const asked = { action: "deploy", request: { version: 7 } };
    return {
      ...asked,
      summary: "Deploy version 7",
      details: [{ label: "Version", value: "7", kind: "text" }],
      risk,
      options: [
        { id: "yes", label: "Deploy", decision: "approve" },
        { id: "no", label: "Stop", decision: "deny", requires_reason: true },
      ],
      expires_at: new Date(Date.now() + 600_000).toISOString(),
      nonce: bytesToBase64(new Uint8Array(16).fill(3)),
      digest: approvalDigest(primitives, asked) ?? "",
      ...more,
    };
  };
  const ask = async (guide: Guide, id: ConversationId, artifactId: string, card: ApprovalCard) =>
    must(
      await guide.endpoint.send(id, {
        type: "artifact",
        artifact: { artifact_id: artifactId, subtype: "approval", title: "Deploy", payload: card },
      }),
    );

  test("[N27] is signed over what was drawn, and the agent can prove it", async () => {
    const { ada, guide, id } = await together();
    await ada.openThread(id);
    must(
      await ada.calls.setVerified({
        accountId: guide.endpoint.accountId,
        verified: true,
        fingerprintText: fingerprintIn(guide.link),
      }),
    );
    const card = cardOf("low");
    const asked = await ask(guide, id, "deploy-7", card);
    const row = await ada.row(({ body }) => body.kind === "card");
    const artifactId = "deploy-7" as ArtifactId;
    expect(row.body).toMatchObject({
      artifact: { canRespond: true, approval: { blockedBecause: null } },
    });

    expect(
      await ada.calls.decideApproval({
        conversationId: id,
        artifactId,
        optionId: "no",
        reason: "",
        despiteUnverified: false,
      }),
    ).toMatchObject({ failure: { kind: "engine/reason-required" } });
    must(
      await ada.calls.decideApproval({
        conversationId: id,
        artifactId,
        optionId: "yes",
        reason: "",
        despiteUnverified: false,
      }),
    );
    const heard = await guide.entry((entry) => payloadOf(entry)?.type === "artifact_response");
    const payload = payloadOf(heard);
    const approval =
      payload?.type === "artifact_response"
        ? base64ToBytes(payload.decision?.approval ?? "")
        : null;
    const own = await guide.entry(
      (entry) => isMessage(entry) && payloadOf(entry)?.type === "artifact",
    );
    const ledger = await guide.endpoint.ledger(id);
    const agent = must(await guide.endpoint.account(guide.endpoint.accountId));
    const person = must(await guide.endpoint.account(heard.authorId));
    if (approval === null || own.content.kind !== "message" || heard.authorDeviceId === null)
      throw new Error("no approval");

    const verdict = await verifyApproval(
      primitives,
      {
        conversationId: id,
        messageId: asked.messageId,
        plaintextHash: base64ToBytes(own.content.plaintextHash) ?? new Uint8Array(),
        card,
        agent: {
          accountId: guide.endpoint.accountId,
          fingerprint: fingerprint(primitives, guide.endpoint.accountId, agent.identityKey),
        },
      },
      approval,
      {
        choice: { optionId: "yes" },
        approver: { accountId: heard.authorId, deviceId: heard.authorDeviceId },
        signingKey: currentDeviceKey(person, heard.authorDeviceId),
        ledgerHeadAt: (seq) => ledger?.heads[seq],
        now: Date.now(),
      },
    );

    expect(verdict).toMatchObject({ ok: true, value: { decision: "approve", optionId: "yes" } });
    const drawn = row.body.kind === "card" ? row.body.artifact.approval?.rows : null;
    expect(drawn).toEqual(approvalView(card, must(verdict).locale));
    await ada.row(
      ({ body }) =>
        body.kind === "card" &&
        body.artifact.answer?.decision === "approve" &&
        !body.artifact.canRespond,
    );
  });

  test("[N27] waits on a fork and under a changed key, whoever compared what before", () => {
    const card = cardOf("low");
    const block = (trust: TrustView, isForked: boolean, asked: ApprovalCard = card) =>
      approvalBlock(primitives, asked, { trust, isForked });

    expect([block("verified", true), block("unverified", true)]).toEqual(["fork", "fork"]);
    expect(block("changed", false)).toBe("key-changed");
    expect(block("verified", false)).toBeNull();
    expect(block("verified", true, cardOf("low", { request: {} }))).toBe("digest-mismatch");
  });

  test("[N27] cannot be decided on another digest, nor one of any risk by who compared no keys", async () => {
    const { ada, guide, id } = await together();
    await ada.openThread(id);
    await ask(guide, id, "forged", cardOf("low", { request: { version: 8 } }));
    await ask(guide, id, "small", cardOf("low"));
    await ask(guide, id, "grave", cardOf("critical"));
    const decide = (artifactId: string) =>
      ada.calls.decideApproval({
        conversationId: id,
        artifactId: artifactId as ArtifactId,
        optionId: "yes",
        reason: "",
        despiteUnverified: false,
      });
    await ada.row(({ body }) => body.kind === "card" && body.artifact.artifactId === "grave");

    expect(await decide("forged")).toMatchObject({
      failure: { kind: "engine/approval-blocked", params: { because: "digest-mismatch" } },
    });
    for (const artifactId of ["small", "grave"]) {
      expect(await decide(artifactId)).toMatchObject({
        failure: { kind: "engine/approval-blocked", params: { because: "unverified" } },
      });
      await ada.row(
        ({ body }) =>
          body.kind === "card" &&
          body.artifact.artifactId === artifactId &&
          body.artifact.approval?.blockedBecause === "unverified" &&
          body.artifact.canRespond,
      );
    }
    must(
      await ada.calls.setVerified({
        accountId: guide.endpoint.accountId,
        verified: true,
        fingerprintText: fingerprintIn(guide.link),
      }),
    );
    expect(await decide("grave")).toEqual({ ok: true, value: null });
  });

  test("[N27] is given without compared keys by who says so knowingly, and denied by anyone", async () => {
    const { ada, guide, id } = await together();
    await ada.openThread(id);
    for (const name of ["granted", "denied", "forged"])
      await ask(
        guide,
        id,
        name,
        cardOf("critical", name === "forged" ? { request: { version: 8 } } : {}),
      );
    await ada.row(({ body }) => body.kind === "card" && body.artifact.artifactId === "forged");
    const decide = (artifactId: string, optionId: string, despiteUnverified: boolean) =>
      ada.calls.decideApproval({
        conversationId: id,
        artifactId: artifactId as ArtifactId,
        optionId,
        reason: "as agreed",
        despiteUnverified,
      });

    expect(await decide("granted", "yes", true)).toEqual({ ok: true, value: null });
    expect(await decide("denied", "no", false)).toEqual({ ok: true, value: null });
    expect(await decide("forged", "yes", true)).toMatchObject({
      failure: { kind: "engine/approval-blocked", params: { because: "digest-mismatch" } },
    });
  });
});
