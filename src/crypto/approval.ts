/**
 * A person's signed decision on an agent's request: over the request, the list that was drawn, what was
 * changed, the agent's nonce and the times. Neither side can later mean another request or view.
 *
 * Claiming the nonce, so that a decision counts once, is the agent's. SPEC C36, C37.
 */
import canonicalize from "canonicalize";

import { base64ToBytes, bytesToBase64Url } from "#base/base64.ts";
import { concat, equalBytes, utf8, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { ApprovalCard } from "#protocol/artifact.ts";
import { enc, lp, readUnsigned, u64, u8 } from "#protocol/encoding.ts";
import {
  uuidToBytes,
  type AccountId,
  type ConversationId,
  type DeviceId,
  type MessageId,
} from "#protocol/ids.ts";

import {
  encodeApprovalRecord,
  firstDifference,
  parseApprovalRecord,
  type ApprovalBinding,
  type MismatchField,
} from "./approval-record.ts";
import {
  APPROVAL_LOCALES,
  APPROVAL_VIEW_VERSION,
  approvalView,
  type ApprovalLocale,
  type ApprovalRow,
} from "./approval-view.ts";
import type { CryptoFailure } from "./failure.ts";
import type { Signer } from "./identity.ts";
import { LABEL } from "./labels.ts";
import { CLOCK_SKEW_MS, MAX_APPROVAL_MS } from "./limits.ts";
import type { Primitives } from "./primitives.ts";
import { signRecord, splitSigned, verifyRecord } from "./signed-record.ts";

// The high half says what was decided, the low half which of the request's options it was.
const DECISION_BITS = { approve: 0x10, deny: 0x20 } as const;
const NO_EDITS = new Uint8Array(32);

/** The request a decision is on. Shapes: `plaintextHash` is H(P) of the message, `fingerprint` 32 bytes. */
export type ApprovalRequest = {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly plaintextHash: Bytes;
  readonly card: ApprovalCard;
  readonly agent: { readonly accountId: AccountId; readonly fingerprint: Bytes };
};

/** What a person chose and wrote. `edits` name members of the request that the card lets them change. */
export type ApprovalChoice = {
  readonly optionId: string;
  readonly reason?: string | undefined;
  readonly edits?: Readonly<Record<string, unknown>> | undefined;
};

/** Who decides, on which device. */
export type Approver = { readonly accountId: AccountId; readonly deviceId: DeviceId };

/** A conversation ledger's entry. Shapes: `head` 32 bytes. */
export type LedgerPoint = { readonly seq: number; readonly head: Bytes };

/**
 * The handle an agent acts on: SHA-256 of the canonical JSON of `{ action, request }`, as base64url; null
 * when the request has no canonical form. Source: RFC 8785.
 */
export function approvalDigest(
  p: Primitives,
  { action, request }: { readonly action: string; readonly request?: unknown },
): string | null {
  const text = canonicalText({ action, request });
  return text === null ? null : bytesToBase64Url(p.sha256(utf8(text)));
}

/** Hash of the request that is decided: one message of one agent in one conversation. */
export const requestHash = (p: Primitives, request: Omit<ApprovalRequest, "card">): Bytes =>
  p.sha256(
    enc(
      LABEL.approvalRequest,
      uuidToBytes(request.conversationId),
      uuidToBytes(request.messageId),
      uuidToBytes(request.agent.accountId),
      request.agent.fingerprint,
      request.plaintextHash,
    ),
  );

/** Hash of the list as drawn, with its language and version. */
export const viewHash = (
  p: Primitives,
  locale: ApprovalLocale,
  rows: readonly ApprovalRow[],
): Bytes =>
  p.sha256(
    enc(
      LABEL.approvalView,
      u8(APPROVAL_VIEW_VERSION),
      utf8(locale),
      concat(
        ...rows.flatMap(({ label, value, warning }) =>
          [label, value, warning].map((text) => lp(utf8(text))),
        ),
      ),
    ),
  );

/**
 * The signed decision.
 *
 * Shapes: `now` and times epoch ms; the result is the record, then 64 bytes of signature by the device.
 * Fails with `crypto/approval-request-malformed`, `crypto/approval-digest-mismatch`,
 * `crypto/approval-expired` and `crypto/approval-mismatch` (`option`, `edits`; `expiry`: further off than
 * a decision may wait).
 */
export async function signApproval(
  p: Primitives,
  request: ApprovalRequest,
  decided: {
    readonly choice: ApprovalChoice;
    readonly locale: ApprovalLocale;
    readonly approver: Approver;
    readonly signer: Signer;
    readonly ledger: LedgerPoint;
    readonly now: number;
  },
): Promise<Result<Bytes, CryptoFailure>> {
  const terms = termsOf(p, request.card, decided.choice);
  if (!terms.ok) return terms;
  const { expiresAt } = terms.value;
  if (decided.now > expiresAt) return err({ kind: "crypto/approval-expired" });
  if (expiresAt - decided.now > MAX_APPROVAL_MS + CLOCK_SKEW_MS) return mismatch("expiry");
  const record = encodeApprovalRecord({
    ...bindingOf(p, request, decided.approver, terms.value),
    view: viewHash(p, decided.locale, approvalView(request.card, decided.locale)),
    decidedAt: u64(decided.now),
    ledgerSeq: u64(decided.ledger.seq),
    ledgerHead: decided.ledger.head,
  });
  return ok(await signRecord(p, LABEL.approvalSignature, record, decided.signer));
}

/** A decision that holds: it counts once the agent has claimed `nonce`. */
export type VerifiedApproval = {
  readonly decision: "approve" | "deny";
  readonly optionId: string;
  readonly reason?: string | undefined;
  readonly edits?: Readonly<Record<string, unknown>> | undefined;
  readonly nonce: Bytes;
  readonly decidedAt: number;
  readonly locale: ApprovalLocale;
};

/**
 * The decision on our own stored request, after everything in it was recomputed and compared.
 *
 * Shapes: `signingKey` of the device by the account's ledger as it is now, null when revoked or unknown;
 * `ledgerHeadAt` gives the conversation ledger's head after entry `seq`.
 * Fails with `crypto/approval-request-malformed`, `crypto/approval-digest-mismatch`, `crypto/malformed`,
 * `crypto/bad-signature`, `crypto/approval-mismatch` (the field that differs), `crypto/approval-expired`.
 */
export async function verifyApproval(
  p: Primitives,
  request: ApprovalRequest,
  approval: Bytes,
  expected: {
    readonly choice: ApprovalChoice;
    readonly approver: Approver;
    readonly signingKey: Bytes | null;
    readonly ledgerHeadAt: (seq: number) => Bytes | undefined;
    readonly now: number;
  },
): Promise<Result<VerifiedApproval, CryptoFailure>> {
  const signed = splitSigned(approval);
  const record = parseApprovalRecord(signed.record);
  if (record === null) return err({ kind: "crypto/malformed" });
  if (expected.signingKey === null) return mismatch("device");
  if (!(await verifyRecord(p, LABEL.approvalSignature, signed, expected.signingKey))) {
    return err({ kind: "crypto/bad-signature" });
  }

  const { choice } = expected;
  const terms = termsOf(p, request.card, choice);
  if (!terms.ok) return terms;
  const differing = firstDifference(record, bindingOf(p, request, expected.approver, terms.value));
  if (differing !== null) return mismatch(differing);
  const locale = APPROVAL_LOCALES.find((name) =>
    equalBytes(record.view, viewHash(p, name, approvalView(request.card, name))),
  );
  if (locale === undefined) return mismatch("view");

  const decidedAt = readUnsigned(record.decidedAt);
  const ledgerSeq = readUnsigned(record.ledgerSeq);
  if (decidedAt === null || decidedAt > expected.now + CLOCK_SKEW_MS) return mismatch("time");
  const head = ledgerSeq === null ? undefined : expected.ledgerHeadAt(ledgerSeq);
  if (head === undefined || !equalBytes(head, record.ledgerHead)) return mismatch("ledger");
  const { expiresAt, decision, nonce } = terms.value;
  // Decided in time is not enough: the agent has by then acted on the silence.
  if (decidedAt > expiresAt || expected.now > expiresAt)
    return err({ kind: "crypto/approval-expired" });
  return ok({ ...choice, decision, nonce, decidedAt, locale });
}

const mismatch = (field: MismatchField) =>
  err({ kind: "crypto/approval-mismatch", field } as const);

function bindingOf(
  p: Primitives,
  request: ApprovalRequest,
  approver: Approver,
  terms: Terms,
): ApprovalBinding {
  return {
    conversation: uuidToBytes(request.conversationId),
    message: uuidToBytes(request.messageId),
    request: requestHash(p, request),
    agent: uuidToBytes(request.agent.accountId),
    agentFingerprint: request.agent.fingerprint,
    human: uuidToBytes(approver.accountId),
    device: uuidToBytes(approver.deviceId),
    decision: u8(terms.decisionByte),
    edits: terms.editsHash,
    nonce: terms.nonce,
    expiry: u64(terms.expiresAt),
  };
}

// --- The terms of a card and a choice ---

type Terms = {
  readonly decision: "approve" | "deny";
  readonly decisionByte: number;
  readonly editsHash: Bytes;
  readonly nonce: Bytes;
  readonly expiresAt: number;
};

function termsOf(
  p: Primitives,
  card: ApprovalCard,
  choice: ApprovalChoice,
): Result<Terms, CryptoFailure> {
  const digest = approvalDigest(p, card);
  const nonce = base64ToBytes(card.nonce);
  const expiresAt = Date.parse(card.expires_at);
  if (
    digest === null ||
    nonce?.length !== 16 ||
    !Number.isSafeInteger(expiresAt) ||
    expiresAt < 0
  ) {
    return err({ kind: "crypto/approval-request-malformed" });
  }
  if (digest !== card.digest) return err({ kind: "crypto/approval-digest-mismatch" });
  const index = card.options.findIndex(({ id }) => id === choice.optionId);
  const option = card.options[index];
  if (option === undefined || (option.requires_reason === true && !choice.reason)) {
    return mismatch("option");
  }
  const editsHash = hashOfEdits(p, card, choice);
  if (editsHash === null) return mismatch("edits");
  const decisionByte = DECISION_BITS[option.decision] | index;
  return ok({ decision: option.decision, decisionByte, editsHash, nonce, expiresAt });
}

/** Zeros when nothing was changed or written; null for a change that the card does not allow. */
function hashOfEdits(
  p: Primitives,
  card: ApprovalCard,
  { edits, reason }: ApprovalChoice,
): Bytes | null {
  if (edits === undefined && reason === undefined) return NO_EDITS;
  const editable = card.editable ?? [];
  if (!Object.keys(edits ?? {}).every((name) => editable.includes(name))) return null;
  const text = canonicalText({ edits, reason });
  return text === null ? null : p.sha256(enc(LABEL.approvalEdits, utf8(text)));
}

function canonicalText(value: object): string | null {
  try {
    return canonicalize(value) ?? null;
  } catch {
    // Text that is not well formed has no canonical form.
    return null;
  }
}
