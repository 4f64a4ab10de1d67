// A reader's session as bytes for the sealed store: local, never sent, never signed. The writer's end has no such
// form (SPEC C15).
import { type Bytes, concat, equalBytes, wipe } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import {
  lp,
  parseLpList,
  readUnsigned,
  splitFixed,
  splitItems,
  u32,
  u64,
  u8,
} from "#protocol/encoding.ts";
import { type AccountId, bytesToUuid, uuidToBytes } from "#protocol/ids.ts";
import { MAX_RECIPIENTS, parseRecipients, RECIPIENT_SIZE_BYTES } from "#protocol/recipients.ts";
import { parseSuite } from "./prekeys.ts";
import type { MessageLink, ReceiverSession } from "./receiver-session.ts";

const RECORD_VERSION = 1;
const FIXED = [1, 16, 16, 16, 1, 16, 16, 32, 16, 8, 32, 8, 32, 1, 4, 4, 32] as const;
const SKIPPED_SIZE_BYTES = 44;
const LINK_SIZE_BYTES = 68;
/** Stands for "the writer has not said how many". */
const NO_COUNT = 0xffff_ffff;

/** The session as bytes; they hold its keys, so they go into the vault only. */
export function encodeReceiverSession(session: ReceiverSession): Bytes {
  const { chain } = session;
  const fixed = concat(
    u8(RECORD_VERSION),
    session.sid,
    session.writer,
    uuidToBytes(session.conversationId),
    u8(session.suite),
    uuidToBytes(session.senderId),
    uuidToBytes(session.senderDeviceId),
    session.openHash,
    session.previousSid ?? new Uint8Array(16),
    u64(session.ledgerSeq),
    session.ledgerHead,
    u64(session.createdAt),
    session.recipientsHash,
    u8(session.isReducedSecurity ? 1 : 0),
    u32(session.count ?? NO_COUNT),
    u32(chain.next),
    chain.key.reveal(),
  );
  const skipped = chain.skipped.map(({ index, key, skippedAt }) =>
    concat(u32(index), key.reveal(), u64(skippedAt)),
  );
  const links = [...session.links].map(([index, { hash, previous }]) =>
    concat(u32(index), hash, previous),
  );
  const parts = [fixed, session.recipientList, concat(...skipped), concat(...links)];
  return concat(...parts.map(lp));
}

/** The session of a record, or null for one this version did not write. */
export function parseReceiverSession(bytes: Bytes): ReceiverSession | null {
  const maxItemSizeBytes = MAX_RECIPIENTS * Math.max(RECIPIENT_SIZE_BYTES, LINK_SIZE_BYTES);
  const parts = parseLpList(bytes, { maxItems: 4, maxItemSizeBytes });
  const [fixedBytes, recipientList, skippedBytes, linkBytes] = parts ?? [];
  if (!fixedBytes || !recipientList || !skippedBytes || !linkBytes) return null;
  const fixed = splitFixed(fixedBytes, FIXED);
  const skippedItems = splitItems(skippedBytes, SKIPPED_SIZE_BYTES);
  const linkItems = splitItems(linkBytes, LINK_SIZE_BYTES);
  const suite = fixed && parseSuite(fixed[4]);
  if (!fixed || !suite || !skippedItems || !linkItems) return null;
  if (fixed[0][0] !== RECORD_VERSION || parseRecipients(recipientList) === null) return null;
  const count = numberOf(fixed[14]);
  const session: ReceiverSession = {
    sid: fixed[1],
    writer: fixed[2],
    conversationId: bytesToUuid(fixed[3]),
    suite,
    senderId: bytesToUuid<AccountId>(fixed[5]),
    senderDeviceId: bytesToUuid(fixed[6]),
    openHash: fixed[7],
    previousSid: fixed[8].every((byte) => byte === 0) ? null : fixed[8],
    ledgerSeq: numberOf(fixed[9]),
    ledgerHead: fixed[10],
    createdAt: numberOf(fixed[11]),
    recipientList,
    recipientsHash: fixed[12],
    isReducedSecurity: fixed[13][0] === 1,
    chain: {
      next: numberOf(fixed[15]),
      key: new Secret(fixed[16]),
      skipped: skippedItems.map((item) => ({
        index: numberOf(item.subarray(0, 4)),
        key: new Secret(item.slice(4, 36)),
        skippedAt: numberOf(item.subarray(36)),
      })),
    },
    links: new Map(linkItems.map(parseLink)),
    count: count === NO_COUNT ? null : count,
  };
  // Flags, numbers and repeated items have one form each: what is taken encodes back to the same bytes.
  const again = encodeReceiverSession(session);
  const isCanonical = equalBytes(again, bytes);
  wipe(again);
  return isCanonical ? session : null;
}

const parseLink = (item: Bytes): [number, MessageLink] => [
  numberOf(item.subarray(0, 4)),
  { hash: item.slice(4, 36), previous: item.slice(36) },
];

/** A number out of range is read as none, and does not encode back. */
const numberOf = (field: Bytes): number => readUnsigned(field) ?? 0;
