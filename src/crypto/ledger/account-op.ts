// What an account's ledger can say, and its bytes. All widths are fixed. SPEC §6.1.
import { type Bytes, concat } from "#base/bytes.ts";
import { lp, readUnsigned, splitFixed, u64, u8 } from "#protocol/encoding.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import { type AccountId, bytesToUuid, type DeviceId, uuidToBytes } from "#protocol/ids.ts";
import type { DeliveryMode } from "#protocol/recipients.ts";
import { modeByte, parseMode, parseSuite } from "../prekeys.ts";
import type { LedgerFields } from "./entry.ts";

/** A creator's consent to an agent's card, by one of the creator's devices. */
export type Countersignature = { readonly deviceId: DeviceId; readonly signature: Bytes };

/** The card: how an account may be written to, and who answers for it. */
export type Card = {
  readonly identityKey: Bytes;
  readonly mode: DeliveryMode;
  readonly suiteFloor: SuiteId;
  /** Long-lived X25519 key for sessions when no prekey can be had; null = none. */
  readonly bootstrapKey: Bytes | null;
  /** Null: a person, or an agent the relay's operator provides. */
  readonly creatorId: AccountId | null;
  /** Hash of the capabilities the card was made with, 32 bytes; null = none. */
  readonly manifestHash: Bytes | null;
  readonly countersignature: Countersignature | null;
};

/** One statement of an account's ledger. `signature` of `rotate-ik` is by the new key. */
export type AccountOp =
  | ({ readonly type: "card" } & Card)
  | { readonly type: "device-add"; readonly deviceId: DeviceId; readonly signingKey: Bytes }
  | { readonly type: "device-revoke"; readonly deviceId: DeviceId }
  | { readonly type: "rotate-ik"; readonly identityKey: Bytes; readonly signature: Bytes | null }
  | { readonly type: "backup"; readonly version: number; readonly hash: Bytes };

/** The op's code, subject and data. */
export function encodeAccountOp(
  accountId: AccountId,
  op: AccountOp,
): Pick<LedgerFields, "opCode" | "subject" | "data"> {
  const opCode = OP_CODES[op.type];
  const account = uuidToBytes(accountId);
  switch (op.type) {
    case "card":
      return { opCode, subject: account, data: encodeCard(op) };
    case "device-add":
      return { opCode, subject: uuidToBytes(op.deviceId), data: op.signingKey };
    case "device-revoke":
      return { opCode, subject: uuidToBytes(op.deviceId), data: new Uint8Array() };
    case "rotate-ik":
      return {
        opCode,
        subject: account,
        data: concat(op.identityKey, op.signature ?? new Uint8Array()),
      };
    case "backup":
      return { opCode, subject: account, data: concat(u64(op.version), op.hash) };
  }
}

/** The op of an entry, or null unless its code, subject and data are exactly what we would write. */
export function parseAccountOp(accountId: AccountId, fields: LedgerFields): AccountOp | null {
  const { data } = fields;
  const subject = bytesToUuid<AccountId>(fields.subject);
  const deviceId = bytesToUuid<DeviceId>(fields.subject);
  if (fields.opCode === OP_CODES["device-add"]) {
    return data.length === 32 ? { type: "device-add", deviceId, signingKey: data } : null;
  }
  if (fields.opCode === OP_CODES["device-revoke"]) {
    return data.length === 0 ? { type: "device-revoke", deviceId } : null;
  }
  if (subject !== accountId) return null;
  if (fields.opCode === OP_CODES.card) {
    const card = parseCard(data);
    return card && { type: "card", ...card };
  }
  if (fields.opCode === OP_CODES["rotate-ik"]) {
    const parts = splitFixed(data, [32, 64]);
    return parts && { type: "rotate-ik", identityKey: parts[0], signature: parts[1] };
  }
  if (fields.opCode === OP_CODES.backup) {
    const parts = splitFixed(data, [8, 32]);
    const version = parts && readUnsigned(parts[0]);
    return parts && version !== null ? { type: "backup", version, hash: parts[1] } : null;
  }
  return null;
}

const OP_CODES = {
  card: 1,
  "device-add": 2,
  "device-revoke": 3,
  "rotate-ik": 4,
  backup: 5,
} as const satisfies Record<AccountOp["type"], number>;

const NONE_16 = new Uint8Array(16);
const NONE_32 = new Uint8Array(32);

function encodeCard(card: Card): Bytes {
  const { countersignature } = card;
  return concat(
    card.identityKey,
    modeByte(card.mode),
    u8(card.suiteFloor),
    card.bootstrapKey ?? NONE_32,
    card.creatorId === null ? NONE_16 : uuidToBytes(card.creatorId),
    card.manifestHash ?? NONE_32,
    lp(
      countersignature === null
        ? new Uint8Array()
        : concat(uuidToBytes(countersignature.deviceId), countersignature.signature),
    ),
  );
}

function parseCard(data: Bytes): Card | null {
  const bare = splitFixed(data, [32, 1, 1, 32, 16, 32, 4]);
  const signed = splitFixed(data, [32, 1, 1, 32, 16, 32, 4, 16, 64]);
  const parts = bare ?? signed;
  if (parts === null || readUnsigned(parts[6]) !== (signed === null ? 0 : 80)) return null;
  const mode = parseMode(parts[1]);
  const suiteFloor = parseSuite(parts[2]);
  if (mode === null || suiteFloor === null) return null;
  return {
    identityKey: parts[0],
    mode,
    suiteFloor,
    bootstrapKey: present(parts[3]),
    creatorId: present(parts[4]) && bytesToUuid<AccountId>(parts[4]),
    manifestHash: present(parts[5]),
    countersignature: signed && { deviceId: bytesToUuid(signed[7]), signature: signed[8] },
  };
}

const present = (bytes: Bytes): Bytes | null => (bytes.every((byte) => byte === 0) ? null : bytes);
