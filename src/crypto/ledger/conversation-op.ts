// What a conversation's ledger can say, and its bytes: ids, hashes and numbers only. SPEC §6.2.
import { type Bytes, concat } from "#base/bytes.ts";
import { readUnsigned, splitFixed, u64, u8 } from "#protocol/encoding.ts";
import { type AccountId, bytesToUuid, uuidToBytes } from "#protocol/ids.ts";
import type { LedgerFields, LedgerPoint } from "./entry.ts";

/** Two people; a person and an agent; more. */
export type ConversationType = "h2h" | "h2a" | "group";
/** What a member may do; the owner is the one above all. */
export type Role = "member" | "admin" | "owner";
/** Who a member is: a person with devices, or an agent that is its own one device. */
export type MemberKind = "human" | "agent";

/** One statement of a conversation's ledger. `account` is a place in the subject's account ledger. */
export type ConversationOp =
  | {
      readonly type: "create";
      readonly accountId: AccountId;
      readonly conversation: ConversationType;
    }
  | {
      readonly type: "add";
      readonly accountId: AccountId;
      readonly role: Role;
      readonly kind: MemberKind;
      readonly identityKey: Bytes;
      readonly account: LedgerPoint;
    }
  | { readonly type: "remove"; readonly accountId: AccountId }
  | { readonly type: "role"; readonly accountId: AccountId; readonly role: Role }
  | {
      readonly type: "device-add" | "device-revoke" | "mode";
      readonly accountId: AccountId;
      readonly account: LedgerPoint;
    }
  /** Consent to a card that protects less than the one known. */
  | { readonly type: "accept-card"; readonly accountId: AccountId; readonly account: LedgerPoint }
  | { readonly type: "close"; readonly accountId: AccountId }
  /** A person's lasting consent for an agent, with an end. `grantId` 16 bytes, `scopeHash` 32 bytes. */
  | {
      readonly type: "standing-grant";
      readonly accountId: AccountId;
      readonly grantId: Bytes;
      readonly scopeHash: Bytes;
    }
  | { readonly type: "revoke"; readonly accountId: AccountId; readonly grantId: Bytes }
  /** Whether people who are plain members may add others. The subject is the owner. */
  | {
      readonly type: "invite-policy";
      readonly accountId: AccountId;
      readonly membersMayAdd: boolean;
    };

/** The op's code, subject and data. */
export const encodeConversationOp = (
  op: ConversationOp,
): Pick<LedgerFields, "opCode" | "subject" | "data"> => ({
  opCode: OP_CODES[op.type],
  subject: uuidToBytes(op.accountId),
  data: encodeData(op),
});

/** The op of an entry, or null unless its code and data are exactly what we would write. */
export function parseConversationOp(fields: LedgerFields): ConversationOp | null {
  const type = OP_TYPES.get(fields.opCode);
  const accountId = bytesToUuid<AccountId>(fields.subject);
  const { data } = fields;
  switch (type) {
    case "create": {
      const conversation = data.length === 1 ? nameOf(CONVERSATION_TYPES, data) : null;
      return conversation && { type, accountId, conversation };
    }
    case "add":
      return parseAdd(accountId, data);
    case "remove":
    case "close":
      return data.length === 0 ? { type, accountId } : null;
    case "role": {
      const role = data.length === 1 ? nameOf(ROLES, data) : null;
      return role && { type, accountId, role };
    }
    case "device-add":
    case "device-revoke":
    case "mode": {
      const account = parsePoint(data);
      return account && { type, accountId, account };
    }
    case "accept-card": {
      const account = data[0] === ACCEPT_CARD ? parsePoint(data.slice(1)) : null;
      return account && { type, accountId, account };
    }
    case "standing-grant": {
      const parts = splitFixed(data, [16, 32]);
      return parts && { type, accountId, grantId: parts[0], scopeHash: parts[1] };
    }
    case "revoke":
      return data.length === 16 ? { type, accountId, grantId: data } : null;
    case "invite-policy": {
      const isFlag = data.length === 1 && (data[0] === 0 || data[0] === 1);
      return isFlag ? { type, accountId, membersMayAdd: data[0] === 1 } : null;
    }
    case undefined:
      return null;
  }
}

const OP_CODES = {
  create: 16,
  add: 17,
  remove: 18,
  role: 19,
  "device-add": 20,
  "device-revoke": 21,
  mode: 22,
  "accept-card": 23,
  close: 24,
  "standing-grant": 25,
  revoke: 26,
  "invite-policy": 27,
} as const satisfies Record<ConversationOp["type"], number>;

const OP_TYPES = new Map(
  Object.entries(OP_CODES).map(([type, code]) => [code as number, type as ConversationOp["type"]]),
);

/** The only policy there is; others get other first bytes. */
const ACCEPT_CARD = 1;

// Positions are the bytes on the wire; 0 stays unused so that a zeroed record means nothing.
const CONVERSATION_TYPES = [null, "h2h", "h2a", "group"] as const;
const ROLES = [null, "member", "admin", "owner"] as const;
const KINDS = [null, "human", "agent"] as const;

function encodeData(op: ConversationOp): Bytes {
  switch (op.type) {
    case "create":
      return u8(CONVERSATION_TYPES.indexOf(op.conversation));
    case "add":
      return concat(
        u8(ROLES.indexOf(op.role)),
        u8(KINDS.indexOf(op.kind)),
        op.identityKey,
        encodePoint(op.account),
      );
    case "remove":
    case "close":
      return new Uint8Array();
    case "role":
      return u8(ROLES.indexOf(op.role));
    case "device-add":
    case "device-revoke":
    case "mode":
      return encodePoint(op.account);
    case "accept-card":
      return concat(u8(ACCEPT_CARD), encodePoint(op.account));
    case "standing-grant":
      return concat(op.grantId, op.scopeHash);
    case "revoke":
      return op.grantId;
    case "invite-policy":
      return u8(op.membersMayAdd ? 1 : 0);
  }
}

function parseAdd(accountId: AccountId, data: Bytes): ConversationOp | null {
  const parts = splitFixed(data, [1, 1, 32, 40]);
  if (parts === null) return null;
  const role = nameOf(ROLES, parts[0]);
  const kind = nameOf(KINDS, parts[1]);
  const account = parsePoint(parts[3]);
  if (role === null || kind === null || account === null) return null;
  return { type: "add", accountId, role, kind, identityKey: parts[2], account };
}

const encodePoint = ({ seq, head }: LedgerPoint): Bytes => concat(u64(seq), head);

function parsePoint(data: Bytes): LedgerPoint | null {
  const parts = splitFixed(data, [8, 32]);
  const seq = parts && readUnsigned(parts[0]);
  return parts && seq !== null ? { seq, head: parts[1] } : null;
}

const nameOf = <Name>(names: readonly (Name | null)[], field: Bytes): Name | null =>
  names[field[0] ?? 0] ?? null;
