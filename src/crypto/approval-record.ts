/**
 * The bytes of a decision: the record that a device signs, and the names of its parts. SPEC C37.
 */
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { enc, parseEnc, u8 } from "#protocol/encoding.ts";

import type { CryptoFailure } from "./failure.ts";
import { LABEL } from "./labels.ts";

const VERSION = 1;

/** What both sides derive on their own; each must be the same in the record. */
export type ApprovalBinding = Readonly<
  Record<
    | "conversation"
    | "message"
    | "request"
    | "agent"
    | "agentFingerprint"
    | "human"
    | "device"
    | "decision"
    | "edits"
    | "nonce"
    | "expiry",
    Bytes
  >
>;
/** A decision's record: what both sides derive, and what the approver adds. */
export type ApprovalRecord = ApprovalBinding &
  Readonly<Record<"view" | "decidedAt" | "ledgerSeq" | "ledgerHead", Bytes>>;

const FIELD_OF = {
  conversation: "conversation",
  message: "request",
  agent: "agent",
  agentFingerprint: "agent",
  human: "human",
  device: "device",
  nonce: "nonce",
  request: "request",
  decision: "option",
  edits: "edits",
  expiry: "expiry",
} as const satisfies Readonly<Record<keyof ApprovalBinding, MismatchField>>;

/** Which part of a decision differs. */
export type MismatchField = Extract<
  CryptoFailure,
  { readonly kind: "crypto/approval-mismatch" }
>["field"];

/** The first part of a record that is not what we derived ourselves, or null. */
export function firstDifference(
  record: ApprovalBinding,
  expected: ApprovalBinding,
): MismatchField | null {
  for (const name of Object.keys(FIELD_OF) as (keyof ApprovalBinding)[]) {
    if (!equalBytes(record[name], expected[name])) return FIELD_OF[name];
  }
  return null;
}

/** Canonical bytes of a record, without its signature. */
export const encodeApprovalRecord = (record: ApprovalRecord): Bytes =>
  enc(
    LABEL.approval,
    u8(VERSION),
    record.conversation,
    record.message,
    record.request,
    record.view,
    record.agent,
    record.agentFingerprint,
    record.human,
    record.device,
    record.decision,
    record.edits,
    record.nonce,
    record.decidedAt,
    record.expiry,
    record.ledgerSeq,
    record.ledgerHead,
  );

/** The record of canonical bytes, or null. */
export function parseApprovalRecord(bytes: Bytes): ApprovalRecord | null {
  const fields = parseEnc(
    LABEL.approval,
    bytes,
    [1, 16, 16, 32, 32, 16, 32, 16, 16, 1, 32, 16, 8, 8, 8, 32],
  );
  if (fields === null || fields[0][0] !== VERSION) return null;
  const [, conversation, message, request, view, agent, agentFingerprint, human, device] = fields;
  const [decision, edits, nonce, decidedAt, expiry, ledgerSeq, ledgerHead] = fields.slice(9) as [
    Bytes,
    Bytes,
    Bytes,
    Bytes,
    Bytes,
    Bytes,
    Bytes,
  ];
  return {
    conversation,
    message,
    request,
    view,
    agent,
    agentFingerprint,
    human,
    device,
    decision,
    edits,
    nonce,
    decidedAt,
    expiry,
    ledgerSeq,
    ledgerHead,
  };
}
