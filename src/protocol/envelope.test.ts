import { describe, expect, test } from "vitest";
import { concat } from "#base/bytes.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { bucketFor, isBucket } from "./buckets.ts";
import { enc } from "./encoding.ts";
import {
  encodeMessageHeader,
  encodeOpenHeader,
  type MessageHeader,
  type OpenHeader,
  parseSessionOpen,
  peekEnvelope,
  peekSessionOpen,
  wrapSizeBytes,
} from "./envelope.ts";
import {
  type AccountId,
  type ConversationId,
  type DeviceId,
  makeId,
  type MessageId,
} from "./ids.ts";
import {
  encodeRecipients,
  type EnvelopeRecipient,
  parseRecipients,
  RECIPIENT_SIZE_BYTES,
} from "./recipients.ts";

const random = createSeededRandom(7);
const none = new Uint8Array();

const aRecipient = (mode: "session" | "envelope"): EnvelopeRecipient => ({
  accountId: makeId<AccountId>(1, random),
  deviceId: makeId<DeviceId>(1, random),
  kid: random(16),
  mode,
});

const header: MessageHeader = {
  suite: 1,
  hasSessionWrap: true,
  hasEnvelopeWraps: false,
  conversationId: makeId<ConversationId>(1, random),
  messageId: makeId<MessageId>(1, random),
  senderId: makeId<AccountId>(1, random),
  senderDeviceId: makeId<DeviceId>(1, random),
  sid: random(16),
  index: 3,
  ledgerSeq: 4,
  ledgerHead: random(32),
  previous: random(32),
  kind: "stream-done",
  createdAt: 5,
  commitment: random(32),
  recipientsHash: random(32),
};

const openHeader: OpenHeader = {
  suite: 2,
  conversationId: header.conversationId,
  sid: random(16),
  writer: random(16),
  senderId: header.senderId,
  senderDeviceId: header.senderDeviceId,
  senderFingerprint: random(32),
  accountSeq: 1,
  accountHead: random(32),
  ledgerSeq: 2,
  ledgerHead: random(32),
  previousSid: null,
  createdAt: 6,
  recipientsHash: random(32),
};

const envelopeOf = (
  change: Partial<MessageHeader> = {},
  list: readonly EnvelopeRecipient[] = [],
  sizes: { session?: number; wraps?: number; body?: number } = {},
) =>
  enc(
    "env",
    encodeMessageHeader({ ...header, ...change }),
    encodeRecipients(list),
    new Uint8Array(sizes.session ?? 72),
    new Uint8Array(sizes.wraps ?? 0),
    new Uint8Array(104 + (sizes.body ?? 256)),
  );

const mixed = { hasEnvelopeWraps: true };
const stateless = { hasEnvelopeWraps: true, hasSessionWrap: false };
const malformed = { ok: false, failure: { kind: "protocol/malformed-envelope" } };

describe("the public head of a message", () => {
  test("[C2] reads back as it was written, in each mode", () => {
    const forSession = envelopeOf();
    expect(peekEnvelope(forSession)).toEqual({
      ok: true,
      value: { ...header, recipients: [], sizeBytes: 780, plaintextSizeBytes: 256 },
    });
    const list = [aRecipient("session"), aRecipient("envelope")];
    const forBoth = peekEnvelope(envelopeOf(mixed, list, { wraps: 80 }));
    expect(forBoth.ok && forBoth.value.recipients.length).toBe(2);
    const agents = [aRecipient("envelope"), aRecipient("envelope")];
    const suite2 = { ...stateless, suite: 2 } as const;
    expect(peekEnvelope(envelopeOf(suite2, agents, { session: 0, wraps: 2 * 1168 })).ok).toBe(true);
  });

  test("[C2] is refused when parts disagree with it", () => {
    const envelope = aRecipient("envelope");
    const session = aRecipient("session");
    const wrong = [
      envelopeOf({}, [], { session: 0 }),
      envelopeOf({}, [], { body: 300 }),
      envelopeOf({}, [], { body: 0 }),
      envelopeOf({}, [session]),
      envelopeOf({}, [envelope], { wraps: 80 }),
      envelopeOf(mixed, [session, envelope]),
      envelopeOf(mixed, [session, envelope], { wraps: 79 }),
      envelopeOf(mixed, [envelope], { wraps: 80 }),
      envelopeOf(stateless, [session, envelope], { session: 0, wraps: 80 }),
      envelopeOf(stateless, [envelope], { wraps: 80 }),
      envelopeOf(stateless, [], { session: 0 }),
      envelopeOf(stateless, [session], { session: 0 }),
      envelopeOf({ hasSessionWrap: false }, [], { session: 0 }),
    ];
    for (const bytes of wrong) expect(peekEnvelope(bytes)).toEqual(malformed);
    const unsorted = concat(encodeRecipients([envelope]), encodeRecipients([envelope]));
    const repeated = enc(
      "env",
      encodeMessageHeader({ ...header, ...stateless }),
      unsorted,
      none,
      new Uint8Array(160),
      new Uint8Array(360),
    );
    expect(peekEnvelope(repeated)).toEqual(malformed);
  });

  test("[C2] is refused with an unknown suite, mode, kind or number, and its version named", () => {
    const at = (offset: number, value: number) => {
      const bytes = envelopeOf();
      bytes[16 + 4 + offset] = value;
      return peekEnvelope(bytes);
    };
    const [version, suite, mode] = [20, 25, 30];
    expect(at(version, 9)).toEqual({
      ok: false,
      failure: { kind: "protocol/unknown-envelope-version", version: 9 },
    });
    expect(at(suite, 3)).toEqual(malformed);
    expect(at(mode, 4)).toEqual(malformed);
    const kind = 312 - 36 - 36 - 12 - 1;
    expect(at(kind, 4)).toEqual(malformed);
    expect(at(kind + 5, 255)).toEqual(malformed);
    expect(at(0, 1)).toEqual(malformed);
    expect(peekEnvelope(none)).toEqual(malformed);
  });
});

describe("the public head of a session's opening", () => {
  const list = [aRecipient("session"), aRecipient("session")];
  const openOf = (
    change: Partial<OpenHeader> = {},
    recipients: readonly EnvelopeRecipient[] = list,
    wraps?: Uint8Array,
  ) => {
    const listed = parseRecipients(encodeRecipients(recipients)) ?? [];
    const suite = change.suite ?? 2;
    const items = listed.map(({ kid }) => concat(kid, new Uint8Array(wrapSizeBytes(suite))));
    const head = encodeOpenHeader({ ...openHeader, ...change });
    return enc(
      "open-env",
      head,
      encodeRecipients(recipients),
      wraps ?? concat(...items),
      random(64),
    );
  };

  test("[C2] reads back as it was written", () => {
    const bytes = openOf();
    const peeked = peekSessionOpen(bytes);
    const recipients = parseRecipients(encodeRecipients(list));
    expect(peeked).toEqual({
      ok: true,
      value: { ...openHeader, recipients, sizeBytes: bytes.length },
    });
    const later = peekSessionOpen(openOf({ previousSid: random(16), suite: 1 }));
    expect(later.ok && later.value.previousSid?.length).toBe(16);
    const parsed = parseSessionOpen(bytes);
    expect(parsed.ok && parsed.value.wraps.map(({ length }) => length)).toEqual([1168, 1168]);
  });

  test("[C2] is refused when parts disagree with it", () => {
    const foreign = list.map(() => concat(random(16), new Uint8Array(1168)));
    const wrong = [
      openOf({}, []),
      openOf({}, [aRecipient("envelope")]),
      openOf({}, list, new Uint8Array(1184)),
      openOf({}, list, new Uint8Array(7)),
      openOf({}, list, concat(...foreign)),
      none,
    ];
    for (const bytes of wrong) expect(peekSessionOpen(bytes)).toEqual(malformed);
  });

  test("[C2] is refused with an unknown suite, number or label, and its version named", () => {
    const at = (offset: number, value: number) => {
      const bytes = openOf();
      bytes[21 + 4 + offset] = value;
      return peekSessionOpen(bytes);
    };
    expect(at(21, 2)).toEqual({
      ok: false,
      failure: { kind: "protocol/unknown-envelope-version", version: 2 },
    });
    expect(at(26, 3)).toEqual(malformed);
    expect(at(0, 1)).toEqual(malformed);
    const createdAt = 327 - 36 - 8;
    expect(at(createdAt, 255)).toEqual(malformed);
  });
});

describe("recipients", () => {
  test("[C11] are sorted, each device once", () => {
    const list = Array.from({ length: 5 }, () => aRecipient("session"));
    const bytes = encodeRecipients(list);
    expect(encodeRecipients(list.toReversed())).toEqual(bytes);
    const parsed = parseRecipients(bytes);
    expect(parsed && encodeRecipients(parsed)).toEqual(bytes);
    const [first] = list;
    if (first === undefined) throw new Error("five recipients");
    const twice = encodeRecipients([first, { ...first, kid: random(16) }]);
    expect(parseRecipients(twice)).toBe(null);
    const swapped = concat(bytes.slice(RECIPIENT_SIZE_BYTES), bytes.slice(0, RECIPIENT_SIZE_BYTES));
    expect(parseRecipients(swapped)).toBe(null);
    expect(parseRecipients(bytes.slice(1))).toBe(null);
    expect(parseRecipients(bytes.map((byte, i) => (i === 48 ? 3 : byte)))).toBe(null);
  });
});

describe("buckets", () => {
  test("[C7] are the smallest that fit, up to the largest plaintext", () => {
    const sizes = [1, 256, 257, 512, 1024, 2048, 2049, 4096, 4097, 528_384, 528_385];
    expect(sizes.map(bucketFor)).toEqual([
      256,
      256,
      512,
      512,
      1024,
      2048,
      4096,
      4096,
      8192,
      528_384,
      null,
    ]);
    expect([0, 255, 256, 3072, 4096, 6144, 8192].filter(isBucket)).toEqual([256, 4096, 8192]);
  });
});
