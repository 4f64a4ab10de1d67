import { beforeAll, describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { assert } from "#base/invariant.ts";
import { ok } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { signApproval } from "#crypto/approval.ts";
import { fingerprint, makeSigner } from "#crypto/identity.ts";
import { appendAccount, startAccount } from "#crypto/ledger/account.ts";
import { startConversation } from "#crypto/ledger/conversation.ts";
import { createPrimitives, type Primitives } from "#crypto/primitives.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import { parseCard, type ApprovalCard } from "#protocol/artifact.ts";
import type { AccountId, AgentId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import type { KnownPayload } from "#protocol/payload.ts";
import type { MessageEntry } from "../incoming/message-context.ts";
import { createMemoryDedupeStore } from "../local/dedupe-store.ts";
import { createAnswerCheck, type AnswerEntry } from "./answers.ts";
import { ARTIFACT_TABLE, artifactKey, recordToBytes } from "./artifact-record.ts";
import { createArtifactSender } from "./artifact-sender.ts";
import { makeApprovalArtifact, proveDecision } from "./approvals.ts";

const NOW = Date.UTC(2026, 0, 1);
const C = "01900000-0000-7000-8000-0000000000c1" as ConversationId;
const REQUEST = "01900000-0000-7000-8000-000000000001" as MessageId;
const AGENT = "01900000-0000-7000-8000-0000000000a1" as AgentId;
const ALICE = "01900000-0000-7000-8000-0000000000b1" as AccountId;
const PHONE = "01900000-0000-7000-8000-0000000000d1" as DeviceId;
const request = {
  title: "Deploy",
  action: "deploy",
  summary: "Version 2",
  request: { version: 2 },
};

let p: Primitives;
beforeAll(async () => {
  p = await createPrimitives({ random: createSeededRandom(1) });
});

async function setupDecision() {
  const signerOf = (fill: number) => makeSigner(p, new Secret(new Uint8Array(32).fill(fill)));
  const [identity, device, agentIdentity] = [signerOf(1), signerOf(2), signerOf(3)];
  const own = { mode: "session", suiteFloor: 1, bootstrapKey: null, createdAt: NOW } as const;
  const card0 = await startAccount(p, { ...own, accountId: ALICE, kind: "human", identity });
  const added = await appendAccount(p, card0.state, {
    actorDeviceId: null,
    signer: identity,
    op: { type: "device-add", deviceId: PHONE, signingKey: device.publicKey },
    createdAt: NOW,
  });
  assert(added.ok, "a first device is added");
  const approver = added.value.state;
  const founded = await startConversation(p, {
    conversationId: C,
    type: "h2a",
    actor: { accountId: ALICE, deviceId: PHONE, signer: device },
    account: approver,
    createdAt: NOW,
  });
  assert(founded.ok, "a conversation is founded");
  const ledger = founded.value.state;
  const agent = { accountId: AGENT, fingerprint: fingerprint(p, AGENT, agentIdentity.publicKey) };
  const artifact = { ...makeApprovalArtifact(p, request, NOW), artifact_id: "card" };
  const plaintextHash = p.sha256(new Uint8Array([9]));
  const record = {
    artifact,
    revision: 0,
    messageId: REQUEST,
    requestHash: bytesToBase64(plaintextHash),
    answers: [],
  };
  const parsed = parseCard("approval", artifact.payload);
  assert(parsed.ok && parsed.value.subtype === "approval", "the request is a card");
  const card: ApprovalCard = parsed.value.payload;

  const decide = async (optionId: string, signer = device, reason?: string) => {
    const signed = await signApproval(
      p,
      { conversationId: C, messageId: REQUEST, plaintextHash, card, agent },
      {
        choice: { optionId, reason },
        locale: "en",
        approver: { accountId: ALICE, deviceId: PHONE },
        signer,
        ledger: { seq: ledger.seq, head: ledger.head },
        now: NOW + 1_000,
      },
    );
    assert(signed.ok, "a decision can be signed");
    return {
      response_id: "r",
      ref_artifact: "card",
      ref_revision: 0,
      ref_action: "decide",
      values: {},
      decision: {
        option_id: optionId,
        approval: bytesToBase64(signed.value),
        ...(reason === undefined ? {} : { reason }),
      },
    };
  };
  const entry = { conversationId: C, authorId: ALICE, authorDeviceId: PHONE } as MessageEntry;
  const facts = { agent, record, entry, approver, ledger, now: NOW + 2_000 };
  return { decide, facts, stranger: signerOf(7) };
}

describe("a decision", () => {
  test("[K16] is proven by the signature over exactly this request", async () => {
    const { decide, facts } = await setupDecision();

    const approved = await proveDecision(p, { ...facts, response: await decide("approve") });
    const denied = await proveDecision(p, { ...facts, response: await decide("deny") });

    expect(approved?.decision).toEqual({ approved: true, option_id: "approve" });
    expect(denied?.decision).toEqual({ approved: false, option_id: "deny" });
    expect(approved?.claim).toBe(`nonce ${(facts.record.artifact.payload as ApprovalCard).nonce}`);
  });

  test("[K16] on another request, by another device, too late or with another option proves nothing", async () => {
    const { decide, facts, stranger } = await setupDecision();
    const response = await decide("approve");
    const otherHash = bytesToBase64(p.sha256(new Uint8Array([8])));

    const outcomes = await Promise.all([
      proveDecision(p, { ...facts, response, record: { ...facts.record, requestHash: otherHash } }),
      proveDecision(p, { ...facts, response, record: { ...facts.record, requestHash: null } }),
      proveDecision(p, { ...facts, response: await decide("approve", stranger) }),
      proveDecision(p, { ...facts, response, now: NOW + 600_001 }),
      proveDecision(p, {
        ...facts,
        response: { ...response, decision: { ...response.decision, option_id: "deny" } },
      }),
      proveDecision(p, { ...facts, response: { ...response, decision: undefined } as never }),
    ]);

    expect(outcomes).toEqual([null, null, null, null, null, null]);
  });

  test("[K16] carries the words and changes that were signed, and no others", async () => {
    const { decide, facts } = await setupDecision();
    const response = await decide("deny", undefined, "Not on a Friday.");
    const withOther = (change: object) =>
      proveDecision(p, {
        ...facts,
        response: { ...response, decision: { ...response.decision, ...change } },
      });

    expect((await withOther({}))?.decision).toEqual({
      approved: false,
      option_id: "deny",
      reason: "Not on a Friday.",
    });
    expect(await withOther({ reason: "Go on." })).toBeNull();
    expect(await withOther({ reason: undefined })).toBeNull();
    expect(await withOther({ edits: { version: 3 } })).toBeNull();
  });

  test("[K16] counts once, for whichever process of the agent it comes to first", async () => {
    const { decide, facts } = await setupDecision();
    const dedupe = createMemoryDedupeStore();
    const payload = { type: "artifact_response" as const, ...(await decide("approve")) };
    const entry = {
      ...facts.entry,
      at: NOW + 1_500,
      seq: 3,
      content: { kind: "message", messageId: REQUEST, payload },
    } as AnswerEntry;
    const aProcess = async () => {
      const said: KnownPayload[] = [];
      const clock = createFakeClock(facts.now);
      const store = createMemoryStore();
      const value = recordToBytes(facts.record);
      await store.commit({ puts: [{ table: ARTIFACT_TABLE, key: artifactKey(C, "card"), value }] });
      const send = () => Promise.reject(new Error("a process that only hears"));
      const check = createAnswerCheck({
        ...{ primitives: p, clock, dedupe, agent: facts.agent },
        cardKey: new Secret(new Uint8Array(32).fill(4)),
        endpoint: { account: async () => ok(facts.approver), ledger: async () => facts.ledger },
        sender: createArtifactSender({ store, clock, random: createSeededRandom(2), send }),
        send: async (_conversationId, answer) => said.push(answer),
      });
      return { said, event: await check(entry) };
    };

    const [first, second] = [await aProcess(), await aProcess()];

    expect(first.event?.decision).toEqual({ approved: true, option_id: "approve" });
    expect([first.said, second.event]).toEqual([[], null]);
    expect(second.said).toMatchObject([
      { event: { name: "artifact.answer_refused", params: { code: "APPROVAL_INVALID" } } },
    ]);
  });

  test("[K16] by somebody who is no member proves nothing", async () => {
    const { decide, facts } = await setupDecision();
    const ledger = { ...facts.ledger, members: new Map() };

    expect(
      await proveDecision(p, { ...facts, ledger, response: await decide("approve") }),
    ).toBeNull();
  });
});

describe("a request for a decision", () => {
  test("[K16] expires in ten minutes unless said otherwise, and in a day at the latest", () => {
    const expiryOf = (expiresInMs?: number) =>
      Date.parse(
        makeApprovalArtifact(
          p,
          { ...request, ...(expiresInMs === undefined ? {} : { expiresInMs }) },
          NOW,
        ).expires_at,
      ) - NOW;

    expect([expiryOf(), expiryOf(86_400_000)]).toEqual([600_000, 86_400_000]);
    expect(() => expiryOf(86_400_001)).toThrow(
      expect.objectContaining({ code: "ARTIFACT_INVALID" }),
    );
    expect(() => expiryOf(0)).toThrow(expect.objectContaining({ code: "ARTIFACT_INVALID" }));
  });

  test("[K16] is on something that has one form only, so that both sides mean the same", () => {
    expect(() => makeApprovalArtifact(p, { ...request, request: { at: 10n } }, NOW)).toThrow(
      expect.objectContaining({ code: "ARTIFACT_INVALID", params: { path: "request" } }),
    );
  });

  test("[K16] names deny first and never repeats a nonce", () => {
    const cards = [1, 2].map(() => makeApprovalArtifact(p, request, NOW).payload as ApprovalCard);

    expect(cards[0]?.options.map(({ decision }) => decision)).toEqual(["deny", "approve"]);
    expect(cards[0]?.nonce).not.toBe(cards[1]?.nonce);
  });
});
