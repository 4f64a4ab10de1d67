import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";

import { concat, type Bytes } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import type { Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { u64 } from "#protocol/encoding.ts";
import type { ApprovalCard } from "#protocol/artifact.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";

import {
  approvalDigest,
  requestHash,
  signApproval,
  verifyApproval,
  viewHash,
  type ApprovalChoice,
  type ApprovalRequest,
} from "./approval.ts";
import { encodeApprovalRecord, parseApprovalRecord } from "./approval-record.ts";
import type { CryptoFailure } from "./failure.ts";
import { makeSigner } from "./identity.ts";
import { LABEL } from "./labels.ts";
import { createPrimitives } from "./primitives.ts";
import { signRecord, splitSigned } from "./signed-record.ts";
import { APPROVAL_LEDGER, APPROVAL_NOW, IDS, goldenRequest } from "./vectors/golden-sealed.ts";

const p = await createPrimitives({ random: systemRandom });
const request = goldenRequest(p);
const signer = makeSigner(p, new Secret(new Uint8Array(32).fill(0x33)));
const approver = { accountId: IDS.human, deviceId: IDS.device };
const otherId = "01900000-0000-7000-8000-0000000000ff";
const EXPIRES_AT = Date.parse(request.card.expires_at);

type Signing = Partial<Parameters<typeof signApproval>[2]>;
type Expecting = Partial<Parameters<typeof verifyApproval>[3]>;

const sign = (choice: ApprovalChoice, change: Signing = {}, on: ApprovalRequest = request) =>
  signApproval(p, on, {
    choice,
    locale: "en",
    approver,
    signer,
    ledger: APPROVAL_LEDGER,
    now: APPROVAL_NOW,
    ...change,
  });

async function signed(choice: ApprovalChoice, change: Signing = {}): Promise<Bytes> {
  const approval = await sign(choice, change);
  if (!approval.ok) throw new Error(approval.failure.kind);
  return approval.value;
}

const verify = (approval: Bytes, choice: ApprovalChoice, change: Expecting = {}, on = request) =>
  verifyApproval(p, on, approval, {
    choice,
    approver,
    signingKey: signer.publicKey,
    ledgerHeadAt: (seq) => (seq === APPROVAL_LEDGER.seq ? APPROVAL_LEDGER.head : undefined),
    now: APPROVAL_NOW + 1_000,
    ...change,
  });

const withCard = (change: Partial<ApprovalCard>): ApprovalRequest => {
  const card = { ...request.card, ...change };
  return { ...request, card: { ...card, digest: change.digest ?? approvalDigest(p, card) ?? "" } };
};

const failureOf = (result: Result<unknown, CryptoFailure>): string => {
  if (result.ok) return "ok";
  const { failure } = result;
  return failure.kind === "crypto/approval-mismatch" ? failure.field : failure.kind;
};

const yes: ApprovalChoice = { optionId: "yes" };

describe("a decision", () => {
  test("[C37] holds for the request, choice and view it was made on", async () => {
    const choice = { optionId: "later", reason: "Not on a Friday." };

    const verified = await verify(await signed(choice, { locale: "zh-Hans" }), choice);

    expect(verified).toEqual({
      ok: true,
      value: {
        ...choice,
        decision: "deny",
        nonce: Uint8Array.from({ length: 16 }, (_, at) => at + 1),
        decidedAt: APPROVAL_NOW,
        locale: "zh-Hans",
      },
    });
  });

  test("[C37] does not hold when one byte of it is changed, lost or added", async () => {
    const approval = await signed(yes);

    await fc.assert(
      fc.asyncProperty(
        fc.nat(approval.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const changed = Uint8Array.from(approval, (byte, index) =>
            index === at ? byte ^ mask : byte,
          );
          expect((await verify(changed, yes)).ok).toBe(false);
          expect((await verify(approval.slice(0, at), yes)).ok).toBe(false);
        },
      ),
    );
    expect(failureOf(await verify(concat(approval, Uint8Array.of(0)), yes))).toBe(
      "crypto/malformed",
    );
    expect(failureOf(await verify(new Uint8Array(), yes))).toBe("crypto/malformed");
  });

  test("[C37] does not hold for another conversation, message, content, agent or agent's key", async () => {
    const approval = await signed(yes);
    const on = (change: Partial<ApprovalRequest>) =>
      verify(approval, yes, {}, { ...request, ...change });
    const { agent } = request;

    expect(failureOf(await on({ conversationId: otherId as ConversationId }))).toBe("conversation");
    expect(failureOf(await on({ messageId: otherId as MessageId }))).toBe("request");
    expect(failureOf(await on({ plaintextHash: new Uint8Array(32) }))).toBe("request");
    expect(failureOf(await on({ agent: { ...agent, accountId: otherId as AccountId } }))).toBe(
      "agent",
    );
    expect(failureOf(await on({ agent: { ...agent, fingerprint: new Uint8Array(32) } }))).toBe(
      "agent",
    );
  });

  test("[C37] does not hold for another person, device, option, edit, reason or nonce", async () => {
    const choice = { optionId: "yes", edits: { replicas: 2 }, reason: "Quiet hour." };
    const approval = await signed(choice);
    const otherNonce = withCard({ nonce: "AAAAAAAAAAAAAAAAAAAAAA==" });

    const as = (change: Partial<typeof approver>) =>
      verify(approval, choice, { approver: { ...approver, ...change } });
    expect(failureOf(await as({ accountId: otherId as AccountId }))).toBe("human");
    expect(failureOf(await as({ deviceId: otherId as DeviceId }))).toBe("device");
    expect(failureOf(await verify(approval, { ...choice, optionId: "later" }))).toBe("option");
    expect(failureOf(await verify(approval, { ...choice, edits: { replicas: 4 } }))).toBe("edits");
    expect(failureOf(await verify(approval, { ...choice, reason: "quiet hour." }))).toBe("edits");
    expect(failureOf(await verify(approval, { ...choice, edits: undefined }))).toBe("edits");
    expect(failureOf(await verify(approval, choice, {}, otherNonce))).toBe("nonce");
  });

  test("[C37] does not hold when the agent would have drawn the request in other words", async () => {
    const approval = await signed(yes);

    const reworded = withCard({ summary: "Put version 2.4.1 of billing into testing." });

    expect(failureOf(await verify(approval, yes, {}, reworded))).toBe("view");
  });

  test("[C37] does not hold from a revoked device, another key or a foreign ledger", async () => {
    const approval = await signed(yes);
    const strange = p.ed25519PublicKey(new Uint8Array(32).fill(0x34));
    const forked = { ledgerHeadAt: () => new Uint8Array(32) };

    expect(failureOf(await verify(approval, yes, { signingKey: null }))).toBe("device");
    expect(failureOf(await verify(approval, yes, { signingKey: strange }))).toBe(
      "crypto/bad-signature",
    );
    expect(failureOf(await verify(approval, yes, forked))).toBe("ledger");
    expect(failureOf(await verify(approval, yes, { ledgerHeadAt: () => undefined }))).toBe(
      "ledger",
    );
  });

  test("[C37] counts until the expiry and not after, by either clock", async () => {
    const atTheEnd = await signed(yes, { now: EXPIRES_AT });
    const early = await signed(yes);
    const fromTheFuture = await signed(yes, { now: APPROVAL_NOW + 6 * 60_000 });

    expect(failureOf(await verify(atTheEnd, yes, { now: EXPIRES_AT }))).toBe("ok");
    expect(failureOf(await verify(early, yes, { now: EXPIRES_AT + 1 }))).toBe(
      "crypto/approval-expired",
    );
    expect(failureOf(await sign(yes, { now: EXPIRES_AT + 1 }))).toBe("crypto/approval-expired");
    expect(failureOf(await verify(fromTheFuture, yes, { now: APPROVAL_NOW - 5 * 60_000 }))).toBe(
      "time",
    );
  });

  test("[C37] decided after the expiry is too late, also where the agent's clock has not come to it", async () => {
    const { record } = splitSigned(await signed(yes));
    const fields = parseApprovalRecord(record);
    if (fields === null) throw new Error("a record");
    const late = encodeApprovalRecord({ ...fields, decidedAt: u64(EXPIRES_AT + 1) });
    const approval = await signRecord(p, LABEL.approvalSignature, late, signer);

    expect(failureOf(await verify(approval, yes, { now: EXPIRES_AT }))).toBe(
      "crypto/approval-expired",
    );
  });

  test("[C37] an expiry further off than a day is not signed, nor accepted for another one", async () => {
    const far = withCard({ expires_at: "2026-03-03T12:00:00.000Z" });
    const later = withCard({ expires_at: "2026-03-01T12:11:00.000Z" });

    expect(failureOf(await sign(yes, {}, far))).toBe("expiry");
    expect(failureOf(await verify(await signed(yes), yes, {}, later))).toBe("expiry");
  });
});

describe("a request", () => {
  test("[C37] whose digest is not its own is not decided", async () => {
    const altered = withCard({ request: { service: "payroll" }, digest: request.card.digest });

    expect(failureOf(await sign(yes, {}, altered))).toBe("crypto/approval-digest-mismatch");
    expect(failureOf(await verify(await signed(yes), yes, {}, altered))).toBe(
      "crypto/approval-digest-mismatch",
    );
  });

  test("[C37] without a nonce of 16 bytes, a time or a canonical form is not decided", async () => {
    const malformed = "crypto/approval-request-malformed";

    expect(failureOf(await sign(yes, {}, withCard({ nonce: "AAAA" })))).toBe(malformed);
    expect(failureOf(await sign(yes, {}, withCard({ nonce: "not base64" })))).toBe(malformed);
    expect(failureOf(await sign(yes, {}, withCard({ expires_at: "tomorrow" })))).toBe(malformed);
    expect(failureOf(await sign(yes, {}, withCard({ request: { text: "\uD800" } })))).toBe(
      malformed,
    );
  });

  test("[C37] is answered by one of its options, with a reason where it asks, and edits where it lets", async () => {
    expect(failureOf(await sign({ optionId: "maybe" }))).toBe("option");
    expect(failureOf(await sign({ optionId: "later" }))).toBe("option");
    expect(failureOf(await sign({ optionId: "yes", edits: { service: "payroll" } }))).toBe("edits");
    expect(failureOf(await sign({ optionId: "yes", edits: { replicas: "\uDC00" } }))).toBe("edits");
    expect(failureOf(await sign(yes, {}, withCard({ editable: undefined })))).toBe("ok");
  });

  test("the digest is that of its canonical JSON, whatever the order of its members", () => {
    const one = approvalDigest(p, { action: "a", request: { x: 1, y: [true, null] } });
    const other = approvalDigest(p, { request: { y: [true, null], x: 1 }, action: "a" });

    expect(one).toBe(other);
    // SHA-256 of {"action":"a","request":{"x":1,"y":[true,null]}}.
    expect(one).toBe("BfOAHm848n6HXOCWJocseweU682dnJAVQJGVOOWpMzg");
  });

  test("[C37] hashes apart from that of a view, whose rows cannot run into each other", () => {
    const rows = [{ label: "", value: "", warning: "" }];

    expect(requestHash(p, request)).not.toEqual(viewHash(p, "en", rows));
    expect(viewHash(p, "en", rows)).not.toEqual(viewHash(p, "zh-Hans", rows));
    expect(viewHash(p, "en", rows)).not.toEqual(viewHash(p, "en", [...rows, ...rows]));
    expect(viewHash(p, "en", [{ label: "a", value: "b", warning: "" }])).not.toEqual(
      viewHash(p, "en", [{ label: "ab", value: "", warning: "" }]),
    );
  });
});
