/**
 * The plaintext of a backup as canonical bytes: each list sorted, without duplicates. SPEC C1, C2, C39.
 */
import { compareBytes, concat, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import {
  enc,
  parseEnc,
  readUnsigned,
  splitFixed,
  splitItems,
  u64,
  u8,
} from "#protocol/encoding.ts";
import { bytesToUuid, uuidToBytes, type AccountId, type ConversationId } from "#protocol/ids.ts";

import type { CryptoFailure } from "./failure.ts";
import { LABEL } from "./labels.ts";
import { MAX_BACKUP_HEADS, MAX_BACKUP_PINS } from "./limits.ts";

/** Whom we trust: the key first seen, or the one checked in person, and the lowest terms accepted. */
export type BackupPin = {
  readonly accountId: AccountId;
  readonly identityKey: Bytes;
  readonly isVerified: boolean;
  readonly mode: "session" | "envelope";
  readonly suiteFloor: number;
};

/** How far a ledger was seen, so that no relay can show a shorter one. */
export type BackupHead = { readonly seq: number; readonly head: Bytes } & (
  | { readonly kind: "account"; readonly accountId: AccountId }
  | { readonly kind: "conversation"; readonly conversationId: ConversationId }
);

/** Shapes: `identitySeed` 32 bytes, identity keys and heads 32 bytes. Lists in any order, ids once each. */
export type BackupContent = {
  readonly identitySeed: Secret<Bytes>;
  readonly pins: readonly BackupPin[];
  readonly ledgerHeads: readonly BackupHead[];
};

const VERSION = 1;
const MODE_NUMBER = { session: 1, envelope: 2 } as const;
const PIN_WIDTHS = [16, 32, 1, 1, 1] as const;
const HEAD_WIDTHS = [1, 16, 8, 32] as const;
const ACCOUNT_SCOPE = 0;
const CONVERSATION_SCOPE = 1;
// Reserved for the head of the log of identities.
const LOG_HEAD = new Uint8Array();

/** Canonical bytes of a backup's content. */
export const encodeBackupContent = ({ identitySeed, pins, ledgerHeads }: BackupContent): Bytes =>
  enc(
    LABEL.backupPlaintext,
    u8(VERSION),
    identitySeed.reveal(),
    sortedItems(pins.map(encodePin)),
    sortedItems(ledgerHeads.map(encodeHead)),
    LOG_HEAD,
  );

/** The content of canonical bytes. Fails with `crypto/malformed`. */
export function parseBackupContent(bytes: Bytes): Result<BackupContent, CryptoFailure> {
  const malformed = err<CryptoFailure>({ kind: "crypto/malformed" });
  const pinSize = sum(PIN_WIDTHS);
  const headSize = sum(HEAD_WIDTHS);
  const fields = parseEnc(LABEL.backupPlaintext, bytes, [
    1,
    32,
    { max: MAX_BACKUP_PINS * pinSize, multipleOf: pinSize },
    { max: MAX_BACKUP_HEADS * headSize, multipleOf: headSize },
    0,
  ]);
  if (fields === null || fields[0][0] !== VERSION) return malformed;
  const pins = readItems(fields[2], pinSize, 16, parsePin);
  const ledgerHeads = readItems(fields[3], headSize, 17, parseHead);
  if (pins === null || ledgerHeads === null) return malformed;
  return ok({ identitySeed: new Secret(fields[1]), pins, ledgerHeads });
}

const encodePin = (pin: BackupPin): Bytes =>
  concat(
    uuidToBytes(pin.accountId),
    pin.identityKey,
    u8(pin.isVerified ? 1 : 0),
    u8(MODE_NUMBER[pin.mode]),
    u8(pin.suiteFloor),
  );

function parsePin(item: Bytes): BackupPin | null {
  const fields = splitFixed(item, PIN_WIDTHS);
  if (fields === null) return null;
  const [account, identityKey, verified, mode, suiteFloor] = fields;
  if ((verified[0] ?? 2) > 1 || (mode[0] !== 1 && mode[0] !== 2)) return null;
  return {
    accountId: bytesToUuid<AccountId>(account),
    identityKey,
    isVerified: verified[0] === 1,
    mode: mode[0] === MODE_NUMBER.session ? "session" : "envelope",
    suiteFloor: suiteFloor[0] ?? 0,
  };
}

const encodeHead = (head: BackupHead): Bytes =>
  head.kind === "account"
    ? concat(u8(ACCOUNT_SCOPE), uuidToBytes(head.accountId), u64(head.seq), head.head)
    : concat(u8(CONVERSATION_SCOPE), uuidToBytes(head.conversationId), u64(head.seq), head.head);

function parseHead(item: Bytes): BackupHead | null {
  const fields = splitFixed(item, HEAD_WIDTHS);
  if (fields === null) return null;
  const [scope, id, seqBytes, head] = fields;
  const seq = readUnsigned(seqBytes);
  if (seq === null) return null;
  if (scope[0] === ACCOUNT_SCOPE) {
    return { kind: "account", accountId: bytesToUuid<AccountId>(id), seq, head };
  }
  if (scope[0] !== CONVERSATION_SCOPE) return null;
  return { kind: "conversation", conversationId: bytesToUuid<ConversationId>(id), seq, head };
}

const sortedItems = (items: readonly Bytes[]): Bytes => concat(...[...items].sort(compareBytes));

/** Items strictly rising by their id, which is their first `idSizeBytes` bytes. */
function readItems<Item>(
  bytes: Bytes,
  sizeBytes: number,
  idSizeBytes: number,
  parse: (item: Bytes) => Item | null,
): readonly Item[] | null {
  const parsed: Item[] = [];
  let before: Bytes | null = null;
  for (const item of splitItems(bytes, sizeBytes) ?? []) {
    const id = item.slice(0, idSizeBytes);
    if (before !== null && compareBytes(before, id) >= 0) return null;
    before = id;
    const value = parse(item);
    if (value === null) return null;
    parsed.push(value);
  }
  return parsed;
}

const sum = (widths: readonly number[]): number =>
  widths.reduce((total, width) => total + width, 0);
