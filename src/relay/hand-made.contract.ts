/**
 * What a relay looks at, made by hand: registrations, ledgers, envelopes with nothing in them. Signatures are zeros: the
 * relay checks none but a device's login.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { base64UrlToBytes } from "#base/base64.ts";
import { concat, type Bytes } from "#base/bytes.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { enc, u64, u8 } from "#protocol/encoding.ts";
import { encodeMessageHeader, ENVELOPE_LABELS } from "#protocol/envelope.ts";
import {
  makeId,
  uuidToBytes,
  type AccountId,
  type ConversationId,
  type DeviceId,
  type MessageId,
  type UserId,
} from "#protocol/ids.ts";
import { hashOf, NO_HASH } from "./ledger-head.ts";

export type Account = {
  readonly type: "human" | "agent";
  readonly id: AccountId;
  readonly deviceId: DeviceId;
  token: string;
};

export const text64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

const FIRST_DAY = Date.UTC(2026, 0, 1);
let idSeed = 1;
/** An id that nobody else has; each is of a millisecond of its own, as those of real endpoints are nearly always. */
export const anId = <Id extends string>(): Id =>
  makeId<MessageId>(FIRST_DAY + idSeed, createSeededRandom(idSeed++)) as string as Id;

/** A body for `/auth/register`, with a real device key. */
export function aRegistration(handle: string) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const user_id = anId<UserId>();
  const [card, deviceAdd] = aLedger(0, user_id, 2);
  const jwk = publicKey.export({ format: "jwk" });
  const request = {
    user_id,
    handle,
    display_name: handle,
    auth_key: null as string | null,
    argon2_salt: null as string | null,
    argon2_params: null as { m: number; t: number; p: number } | null,
    identity_key: text64(randomBytes(32)),
    account_ledger: [card, deviceAdd].map((entry) => text64(entry ?? new Uint8Array())),
    device: {
      device_id: anId<DeviceId>(),
      signing_public_key: text64(base64UrlToBytes(jwk.x ?? "") ?? new Uint8Array()),
      certificate: text64(deviceAdd ?? new Uint8Array()),
    },
    backup: null,
  };
  return { request, deviceKey: privateKey };
}

/** The first entries of a chain, in order; only what the relay looks at is meaningful. */
export function aLedger(scope: 0 | 1, id: AccountId | ConversationId, count: number): Bytes[] {
  const entries: Bytes[] = [];
  for (let seq = 0; seq < count; seq++)
    entries.push(aLedgerEntry(scope, id, seq, entries.at(-1) ?? null));
  return entries;
}

export function aLedgerEntry(
  scope: 0 | 1,
  id: AccountId | ConversationId,
  seq: number,
  before: Bytes | null,
): Bytes {
  const zero = new Uint8Array(16);
  const prevHash = before === null ? NO_HASH : hashOf(before);
  const record = enc(
    "grant",
    u8(scope),
    uuidToBytes(id),
    u64(seq),
    prevHash,
    zero,
    zero,
    u8(1),
    zero,
    zero,
    u64(0),
    u64(0),
  );
  return concat(record, new Uint8Array(64));
}

/** A well-formed envelope with no content: so many padded bytes of `fill`. */
export function anEnvelope(
  conversationId: ConversationId,
  messageId: MessageId,
  sender: Pick<Account, "id" | "deviceId">,
  fill = 7,
  paddedBytes = 256,
): string {
  const header = encodeMessageHeader({
    suite: 1,
    hasSessionWrap: true,
    hasEnvelopeWraps: false,
    conversationId,
    messageId,
    senderId: sender.id,
    senderDeviceId: sender.deviceId,
    sid: new Uint8Array(16).fill(9),
    index: 0,
    ledgerSeq: 1,
    ledgerHead: new Uint8Array(32),
    previous: new Uint8Array(32),
    kind: "content",
    createdAt: 0,
    commitment: new Uint8Array(32),
    recipientsHash: new Uint8Array(32),
  });
  const body = new Uint8Array(104 + paddedBytes).fill(fill);
  return text64(
    enc(
      ENVELOPE_LABELS.envelope,
      header,
      new Uint8Array(),
      new Uint8Array(72),
      new Uint8Array(),
      body,
    ),
  );
}

/** A `message.send` of a fresh message. */
export function aMessage(
  conversationId: ConversationId,
  sender: Account,
  fill = 7,
  paddedBytes = 256,
) {
  const client_message_id = anId<MessageId>();
  return {
    type: "message.send" as const,
    conversation_id: conversationId,
    client_message_id,
    encrypted_payload: anEnvelope(conversationId, client_message_id, sender, fill, paddedBytes),
  };
}
