import { beforeAll, describe, expect, test } from "vitest";
import { fc } from "#base/properties.contract.ts";
import { type Bytes, concat, equalBytes } from "#base/bytes.ts";
import {
  encodeMessageHeader,
  parseEnvelope,
  parseSessionOpen,
  peekEnvelope,
} from "#protocol/envelope.ts";
import { enc } from "#protocol/encoding.ts";
import { openEnvelopeMessage } from "./envelope-read.ts";
import { takeMessageKey } from "./ratchet/receiver-chain.ts";
import { openBody, sealBody } from "./seal.ts";
import { openEnvelopeWrap, openSessionWrap, sealEnvelopeWrap, sealSessionWrap } from "./wrap.ts";
import { ledgerView } from "./ledger/conversation-state.ts";
import type { ConversationState } from "./ledger/conversation-state.ts";
import type { ReadContext } from "./message-open.ts";
import type { NewMessage } from "./message-seal.ts";
import type { ReceiverSession } from "./receiver-session.ts";
import {
  endSession,
  eraseReceiverSession,
  expireSkipped,
  isProgressTrue,
  missingIndexes,
  sessionsToClose,
} from "./receiver-session.ts";
import { encodeReceiverSession, parseReceiverSession } from "./receiver-session-record.ts";
import { commonSuite } from "./recipient.ts";
import {
  eraseSenderSession,
  openSenderSession,
  sealEnvelope,
  sealMessage,
  type SenderSession,
  sessionEnded,
} from "./sender-session.ts";
import { senderView } from "./sender-view.ts";
import { acceptSession } from "./session-accept.ts";
import { openMessage } from "./session-read.ts";
import {
  aConversation,
  aMessage,
  anEndpoint,
  aSecondDevice,
  createWorld,
  type Endpoint,
  must,
  prekeyOf,
  recipientOf,
  START,
  type World,
} from "./vectors/people.ts";

const DAY = 86_400_000;

let world: World;
let human: Endpoint;
let laptop: Endpoint;
let agent: Endpoint;
let webhook: Endpoint;
let stranger: Endpoint;
let conversation: ConversationState;

beforeAll(async () => {
  world = await createWorld(1);
  human = await anEndpoint(world, "human");
  laptop = await aSecondDevice(world, human);
  human = { ...human, account: laptop.account };
  agent = await anEndpoint(world, "agent");
  webhook = await anEndpoint(world, "agent", "envelope");
  stranger = await anEndpoint(world, "human");
  ({ state: conversation } = await aConversation(world, "group", [human, agent, webhook]));
});

const ledgerPoint = () => ({ seq: conversation.seq, head: conversation.head });

const senderOptions = (from: Endpoint, recipients = [recipientOf(agent), recipientOf(laptop)]) => ({
  writer: world.random(16),
  self: from.self,
  conversationId: conversation.conversationId,
  account: { seq: from.account.seq, head: from.account.head },
  ledger: ledgerPoint(),
  previousSid: null,
  recipients,
  now: START,
});

const contextFrom = (from: Endpoint, more: Partial<ReadContext> = {}): ReadContext => {
  const sender = senderView(world.primitives, from.account, from.deviceId);
  if (sender === null) throw new Error("a known device");
  return {
    sender,
    ledger: ledgerView(conversation),
    now: START,
    seen: () => false,
    suiteFloor: 1,
    ...more,
  };
};

const accept = (sessionOpen: Bytes, from: Endpoint, by: Endpoint, more = {}) =>
  acceptSession(world.primitives, {
    ...contextFrom(from),
    sessionOpen,
    self: by.self,
    prekeyOf: prekeyOf(by),
    ...more,
  });

async function aTalk(recipients = [recipientOf(agent), recipientOf(laptop)]) {
  const opened = must(await openSenderSession(world.primitives, senderOptions(human, recipients)));
  if (opened.sessionOpen === null) throw new Error("a session with readers");
  const receiver = must(await accept(opened.sessionOpen, human, agent));
  return { sender: opened.session, sessionOpen: opened.sessionOpen, receiver };
}

async function seal(session: SenderSession, message: NewMessage = aMessage(world)) {
  return must(await sealMessage(world.primitives, session, message));
}

const open = (session: ReceiverSession, envelope: Bytes, more: Partial<ReadContext> = {}) =>
  openMessage(world.primitives, session, envelope, contextFrom(human, more));

const cannotRead = (cause: string) => ({
  ok: false,
  failure: { kind: "crypto/cannot-read", cause },
});

const flipped = (bytes: Bytes, at: number): Bytes =>
  bytes.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte));

/** The envelope with another header, everything else as it was. */
function withHeader(envelope: Bytes, change: object): Bytes {
  const { head, recipientList, sessionWrap, envelopeWraps, body } = must(parseEnvelope(envelope));
  const header = encodeMessageHeader({ ...head, ...change });
  return enc("env", header, recipientList, sessionWrap, concat(...envelopeWraps), body);
}

describe("a session", () => {
  test("[C6][C9][C12] carries messages to each device it was opened to", async () => {
    const { sender, sessionOpen, receiver } = await aTalk();
    const own = must(await accept(sessionOpen, human, laptop));

    const sent = await seal(sender, aMessage(world, "salut"));

    for (const session of [receiver, own]) {
      const read = must(await open(session, sent.envelope));
      expect(new TextDecoder().decode(read.payload)).toBe("salut");
      expect(read).toMatchObject({
        contentType: "json",
        gap: false,
        messageHash: sent.messageHash,
        plaintextHash: sent.plaintextHash,
      });
    }
  });

  test("[C1] has heads of 312 and 327 bytes and a least message of 780", async () => {
    const { sender, sessionOpen } = await aTalk();
    const { envelope } = await seal(sender);
    const opened = must(parseSessionOpen(sessionOpen));
    expect(must(parseEnvelope(envelope)).headerBytes.length).toBe(312);
    expect(opened.headerBytes.length).toBe(327);
    expect(envelope.length).toBe(780);
  });

  test("[C6] seals the same message twice to different bytes", async () => {
    const { sender } = await aTalk();
    const message = aMessage(world);
    const first = await seal(sender, message);
    const second = await seal(sender, message);
    expect(equalBytes(first.envelope, second.envelope)).toBe(false);
    expect(equalBytes(first.header.commitment, second.header.commitment)).toBe(false);
  });

  test("[C43] opens to 64 devices of either suite in one frame and to no more", async () => {
    const many = await Promise.all(Array.from({ length: 65 }, () => anEndpoint(world, "agent")));
    const recipients = many.map((endpoint) => recipientOf(endpoint, 2));
    const options = senderOptions(human, recipients.slice(0, 64));
    const opened = must(await openSenderSession(world.primitives, options));
    const sizeBytes = opened.sessionOpen?.length ?? 0;
    expect(sizeBytes).toBeGreaterThan(64 * 1168);
    expect(sizeBytes * (4 / 3)).toBeLessThan(1_048_576);
    const tooMany = senderOptions(human, recipients);
    expect(await openSenderSession(world.primitives, tooMany)).toEqual({
      ok: false,
      failure: { kind: "crypto/too-many-recipients", count: 65 },
    });
  });

  test("runs over X-Wing prekeys as over X25519 ones", async () => {
    const { sender, receiver } = await aTalk([recipientOf(agent, 2), recipientOf(laptop, 2)]);
    expect(receiver.suite).toBe(2);
    const { envelope } = await seal(sender);
    expect((await open(receiver, envelope)).ok).toBe(true);
  });

  test("needs readers, and all of one suite", async () => {
    const nobody = await openSenderSession(world.primitives, senderOptions(human, []));
    const mixed = [recipientOf(agent, 1), recipientOf(laptop, 2)];
    const two = await openSenderSession(world.primitives, senderOptions(human, mixed));
    expect(nobody).toEqual({ ok: false, failure: { kind: "crypto/no-recipients" } });
    expect(two).toEqual({ ok: false, failure: { kind: "crypto/mixed-suites" } });
    expect(commonSuite([[1, 2], [2]])).toBe(2);
    expect(commonSuite([[1, 2], [1]])).toBe(1);
    expect(commonSuite([[1], [2]])).toBe(null);
  });

  test("[C14] refuses to open to a key that gives an all-zero secret", async () => {
    const recipient = recipientOf(agent);
    const bad = {
      ...recipient,
      delivery: { mode: "session" as const, bootstrapKey: new Uint8Array(32) },
    };
    const opened = await openSenderSession(world.primitives, senderOptions(human, [bad]));
    expect(opened).toEqual({ ok: false, failure: { kind: "crypto/bad-public-key" } });
  });

  test("[C15][C5] of the same writer has another id, seed and chain each time", async () => {
    const first = await aTalk();
    const second = await aTalk();
    expect(equalBytes(first.sender.sid, second.sender.sid)).toBe(false);
    expect(equalBytes(first.receiver.chain.key.reveal(), second.receiver.chain.key.reveal())).toBe(
      false,
    );
  });

  test("[C17] ends with its messages, its age, a ledger entry or a new prekey", async () => {
    const { sender } = await aTalk();
    const kids = [laptop, agent].map(({ prekeys }) => prekeys[1].kid);
    const now = { now: START, ledgerSeq: conversation.seq, prekeyKids: kids };
    expect(sessionEnded(sender, now)).toBe(false);
    expect(sessionEnded({ ...sender, index: 64 }, now)).toBe(true);
    expect(sessionEnded(sender, { ...now, now: START + DAY + 1 })).toBe(true);
    expect(sessionEnded(sender, { ...now, now: START - 1 })).toBe(true);
    expect(sessionEnded(sender, { ...now, ledgerSeq: conversation.seq + 1 })).toBe(true);
    expect(sessionEnded(sender, { ...now, prekeyKids: kids.slice(1) })).toBe(true);
    const renewed = [agent.prekeys[1].kid, laptop.prekeys[2].kid];
    expect(sessionEnded(sender, { ...now, prekeyKids: renewed })).toBe(true);
  });

  test("[C17] seals as many messages as the least of its recipients' certificates says", async () => {
    const least = recipientOf(agent);
    if (!("prekey" in least.delivery)) throw new Error("a prekey");
    const prekey = { ...least.delivery.prekey, maxSession: 2 };
    const few = { ...least, delivery: { ...least.delivery, prekey } };
    for (const recipients of [
      [few, recipientOf(laptop)],
      [recipientOf(laptop), few],
    ]) {
      const { session } = must(
        await openSenderSession(world.primitives, senderOptions(human, recipients)),
      );
      const one = await seal(session);
      const two = await seal(one.session);
      expect(await sealMessage(world.primitives, two.session, aMessage(world))).toEqual({
        ok: false,
        failure: { kind: "crypto/session-over" },
      });
    }
  });

  test("[C17] is timed by what its writer signed, whenever it is read", async () => {
    const { sender, receiver } = await aTalk();
    const { envelope } = await seal(sender, aMessage(world, "late", START + DAY));
    for (const now of [START - 9 * DAY, START, START + 900 * DAY])
      expect((await open(receiver, envelope, { now })).ok).toBe(true);
  });

  test("[C17] seals 64 messages within a day and nothing after", async () => {
    let { sender } = await aTalk();
    for (let i = 0; i < 64; i++) sender = (await seal(sender)).session;
    const over = { ok: false, failure: { kind: "crypto/session-over" } };
    expect(await sealMessage(world.primitives, sender, aMessage(world))).toEqual(over);
    const { sender: fresh } = await aTalk();
    const late = aMessage(world, "late", START + DAY + 1);
    expect(await sealMessage(world.primitives, fresh, late)).toEqual(over);
    const early = aMessage(world, "early", START - 1);
    expect(await sealMessage(world.primitives, fresh, early)).toEqual(over);
  });

  test("[C7] refuses a payload over its size and stays as it was", async () => {
    const { sender } = await aTalk();
    const payload = new Uint8Array(524_289);
    const sealed = await sealMessage(world.primitives, sender, { ...aMessage(world), payload });
    expect(sealed).toMatchObject({ failure: { kind: "crypto/payload-too-large" } });
    const whole = { ...aMessage(world), payload: payload.slice(1) };
    expect((await seal(sender, whole)).header.index).toBe(0);
  });
});

describe("joining a session", () => {
  test("[C18] any process that holds the prekey can, later and again", async () => {
    const { sender, sessionOpen, receiver } = await aTalk();
    const one = await seal(sender);
    const two = await seal(one.session);
    const other = must(await accept(sessionOpen, human, agent));
    expect((await open(receiver, one.envelope)).ok).toBe(true);
    expect((await open(other, two.envelope)).ok).toBe(true);
  });

  test("[C18] fails for who is not addressed or does not hold the key", async () => {
    const { sessionOpen } = await aTalk();
    expect(await accept(sessionOpen, human, stranger)).toEqual(cannotRead("not-addressed"));
    const noKey = await accept(sessionOpen, human, agent, { prekeyOf: () => undefined });
    expect(noKey).toEqual(cannotRead("unknown-prekey"));
    const foreign = await accept(sessionOpen, human, agent, { prekeyOf: () => laptop.prekeys[1] });
    expect(foreign).toEqual(cannotRead("unknown-prekey"));
    const ofOtherSuite = await accept(sessionOpen, human, agent, {
      prekeyOf: () => agent.prekeys[2],
    });
    expect(ofOtherSuite).toEqual(cannotRead("unknown-prekey"));
    const otherSelf = { ...agent.self, fingerprint: human.fingerprint };
    expect(await accept(sessionOpen, human, agent, { self: otherSelf })).toEqual(cannotRead("tag"));
  });

  test("[C12][C18] fails when another device is said to have opened it", async () => {
    const { sessionOpen } = await aTalk();
    expect(await accept(sessionOpen, laptop, agent)).toEqual(cannotRead("unknown-sender"));
    const rotated = {
      ...contextFrom(human).sender,
      fingerprint: laptop.fingerprint.map((b) => b ^ 1),
    };
    expect(await accept(sessionOpen, human, agent, { sender: rotated })).toEqual(
      cannotRead("unknown-sender"),
    );
    const forged = { ...contextFrom(human).sender, signingKey: laptop.signer.publicKey };
    const refused = await accept(sessionOpen, human, agent, { sender: forged });
    expect(refused).toEqual(cannotRead("signature"));
  });

  test("[C22] holds on an unknown ledger and names a fork", async () => {
    const { sessionOpen } = await aTalk();
    const known = ledgerView(conversation);
    const sender = contextFrom(human).sender;
    const accepting = (more: object) => accept(sessionOpen, human, agent, more);
    const behind = { ...known, headAt: () => undefined };
    expect(await accepting({ ledger: behind })).toEqual(cannotRead("ledger-unknown"));
    const other = { ...known, headAt: () => new Uint8Array(32) };
    expect(await accepting({ ledger: other })).toEqual(cannotRead("ledger-fork"));
    const young = { ...sender, accountHeadAt: () => undefined };
    expect(await accepting({ sender: young })).toEqual(cannotRead("account-unknown"));
    const twin = { ...sender, accountHeadAt: () => new Uint8Array(32) };
    expect(await accepting({ sender: twin })).toEqual(cannotRead("account-fork"));
  });

  test("[C23] fails when a device of someone outside the conversation is addressed", async () => {
    const opened = must(
      await openSenderSession(
        world.primitives,
        senderOptions(human, [recipientOf(agent), recipientOf(stranger)]),
      ),
    );
    const joined = await accept(opened.sessionOpen ?? new Uint8Array(), human, agent);
    expect(joined).toEqual(cannotRead("not-member"));
    const { sessionOpen } = await aTalk([recipientOf(agent)]);
    const ledger = {
      ...ledgerView(conversation),
      isMember: (id: string) => id !== human.accountId,
    };
    expect(await accept(sessionOpen, human, agent, { ledger })).toEqual(cannotRead("not-member"));
  });

  test("[C24] fails under the reader's floor", async () => {
    const { sessionOpen } = await aTalk();
    const joined = await accept(sessionOpen, human, agent, { suiteFloor: 2 });
    expect(joined).toEqual(cannotRead("below-floor"));
  });

  test("[C20] works over the card's long-lived key and says so", async () => {
    const bootstrapKey = world.primitives.x25519PublicKey(agent.bootstrap.reveal());
    const toCard = { ...recipientOf(agent), delivery: { mode: "session" as const, bootstrapKey } };
    const opened = must(
      await openSenderSession(
        world.primitives,
        senderOptions(human, [toCard, recipientOf(laptop)]),
      ),
    );
    const sessionOpen = opened.sessionOpen ?? new Uint8Array();
    const item = must(parseSessionOpen(sessionOpen)).head.recipients.find(
      ({ accountId }) => accountId === agent.accountId,
    );
    expect(item?.kid).toEqual(new Uint8Array(16));

    const joined = must(await accept(sessionOpen, human, agent, { bootstrap: agent.bootstrap }));
    const seenByLaptop = must(await accept(sessionOpen, human, laptop));
    const { envelope } = await seal(opened.session);

    expect((await open(joined, envelope)).ok).toBe(true);
    expect([joined.isReducedSecurity, seenByLaptop.isReducedSecurity]).toEqual([true, true]);
    expect(await accept(sessionOpen, human, agent)).toEqual(cannotRead("unknown-prekey"));
    const renewed = [agent.prekeys[1].kid, laptop.prekeys[1].kid];
    const current = { now: START, ledgerSeq: conversation.seq, prekeyKids: renewed };
    expect(sessionEnded(opened.session, current)).toBe(true);
  });

  test("[C2][C11][C18][C27] fails for every byte of the open that is changed", async () => {
    const { sessionOpen } = await aTalk([recipientOf(agent)]);
    const causes = new Set<string>();
    for (let at = 0; at < sessionOpen.length; at++) {
      const joined = await accept(flipped(sessionOpen, at), human, agent);
      if (joined.ok) throw new Error(`byte ${at} does not matter`);
      if (joined.failure.kind !== "crypto/cannot-read") throw new Error("another face");
      causes.add(joined.failure.cause);
    }
    expect([...causes].toSorted()).toEqual([
      "malformed",
      "recipients-mismatch",
      "signature",
      "unknown-sender",
      "unknown-version",
    ]);
  });
});

describe("reading a message", () => {
  test("[C25][C27] fails for every byte that is changed and leaves the session alone", async () => {
    const { sender, receiver } = await aTalk();
    const { envelope } = await seal(sender);
    const before = encodeReceiverSession(receiver);
    for (let at = 0; at < envelope.length; at++) {
      const read = await open(receiver, flipped(envelope, at));
      expect(read.ok, `byte ${at}`).toBe(false);
      if (!read.ok) expect(read.failure.kind).toBe("crypto/cannot-read");
    }
    expect(encodeReceiverSession(receiver)).toEqual(before);
    expect((await open(receiver, envelope)).ok).toBe(true);
  });

  test("[C3][C11][C17] fails for every header field replaced by another valid value", async () => {
    const { sender, receiver } = await aTalk();
    const { envelope } = await seal(sender);
    const id = world.messageId();
    const hash = world.random(32);
    const changes: readonly (readonly [object, string])[] = [
      [{ suite: 2 }, "unknown-session"],
      [{ conversationId: id }, "unknown-session"],
      [{ messageId: id }, "tag"],
      [{ senderId: agent.accountId }, "unknown-session"],
      [{ senderDeviceId: laptop.deviceId }, "unknown-session"],
      [{ sid: world.random(16) }, "unknown-session"],
      [{ index: 1 }, "tag"],
      [{ index: 63 }, "tag"],
      [{ index: 64 }, "out-of-range"],
      [{ ledgerSeq: 1 }, "ledger-mismatch"],
      [{ ledgerHead: hash }, "ledger-mismatch"],
      [{ previous: hash }, "tag"],
      [{ kind: "control" }, "tag"],
      [{ createdAt: START + 1 }, "tag"],
      [{ createdAt: START - 1 }, "out-of-time"],
      [{ createdAt: START + DAY + 3_600_000 }, "tag"],
      [{ createdAt: START + DAY + 3_600_001 }, "out-of-time"],
      [{ commitment: hash }, "tag"],
      [{ recipientsHash: hash }, "recipients-mismatch"],
    ];
    for (const [change, cause] of changes) {
      expect(await open(receiver, withHeader(envelope, change))).toEqual(cannotRead(cause));
    }
    const modes = withHeader(envelope, { hasSessionWrap: false, hasEnvelopeWraps: true });
    expect(await open(receiver, modes)).toEqual(cannotRead("malformed"));
  });

  test("[C12] opened twice fails and leaves the session alone", async () => {
    const { sender, receiver } = await aTalk();
    const { envelope } = await seal(sender);
    const { session } = must(await open(receiver, envelope));
    const before = encodeReceiverSession(session);
    expect(await open(session, envelope)).toEqual(cannotRead("replay"));
    expect(encodeReceiverSession(session)).toEqual(before);
  });

  test("[C29] asks whether it was taken before, before any key is used", async () => {
    const { sender, receiver } = await aTalk();
    const { envelope } = await seal(sender);
    const asked: number[] = [];
    const seen: ReadContext["seen"] = ({ index }) => asked.push(index) > 0;
    expect(await open(receiver, envelope, { seen })).toEqual(cannotRead("replay"));
    expect(asked).toEqual([0]);
  });

  test("[C25] a message that came late and broken leaves its key and the chain as they were", async () => {
    const { sender, receiver } = await aTalk();
    const one = await seal(sender);
    const two = await seal(one.session);
    const three = await seal(two.session);
    const after = must(await open(receiver, two.envelope)).session;
    const before = encodeReceiverSession(after);

    const broken = await open(after, flipped(one.envelope, one.envelope.length - 1));

    expect(broken).toEqual(cannotRead("tag"));
    expect(encodeReceiverSession(after)).toEqual(before);
    for (const { envelope } of [one, three]) expect((await open(after, envelope)).ok).toBe(true);
  });

  test("[C29] a used key is gone, so that a repeat opens nothing even where it is not known", async () => {
    const { sender, receiver } = await aTalk();
    const one = await seal(sender);
    const two = await seal(one.session);
    const after = must(await open(receiver, two.envelope)).session;
    const both = must(await open(after, one.envelope)).session;
    for (const { envelope } of [one, two])
      expect(await open(both, envelope, { seen: () => false })).toEqual(cannotRead("replay"));
  });

  test("[C12] is judged by the pinned key and by no other", async () => {
    const { sender, receiver } = await aTalk();
    const { envelope } = await seal(sender);
    const sneaked = { ...contextFrom(human).sender, signingKey: laptop.signer.publicKey };
    expect(await open(receiver, envelope, { sender: sneaked })).toEqual(cannotRead("signature"));
    const { sender: other } = contextFrom(laptop);
    expect(await open(receiver, envelope, { sender: other })).toEqual(cannotRead("unknown-sender"));
    const revoked = { ...human.account, devices: new Map() };
    expect(senderView(world.primitives, revoked, human.deviceId)).toBe(null);
  });

  test("[C8] fails when the content key is not the one committed to", async () => {
    const { sender, receiver } = await aTalk();
    const { envelope, header } = await seal(sender);
    const { body, sessionWrap } = must(parseEnvelope(envelope));
    const lying = encodeMessageHeader({ ...header, commitment: world.random(32) });
    const { messageKey } = await import("./ratchet/chain-key.ts");
    const { sealSessionWrap } = await import("./wrap.ts");
    const key = messageKey(world.primitives, receiver.chain.key.reveal(), 0);
    const headerHash = world.primitives.sha256(lying);
    const wrap = sealSessionWrap(world.primitives, key, header, headerHash, world.random(32));
    const forged = enc("env", lying, new Uint8Array(), wrap, new Uint8Array(), body);
    expect(wrap.length).toBe(sessionWrap.length);
    expect(await open(receiver, forged)).toEqual(cannotRead("commitment"));
  });

  test("[C24] fails under the reader's floor", async () => {
    const { sender, receiver } = await aTalk();
    const { envelope } = await seal(sender);
    expect(await open(receiver, envelope, { suiteFloor: 2 })).toEqual(cannotRead("below-floor"));
  });

  test("[C2] fails with one face for bytes of any kind", async () => {
    const { receiver } = await aTalk();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        expect(await open(receiver, new Uint8Array(bytes))).toEqual(cannotRead("malformed"));
      }),
    );
    const { sender } = await aTalk();
    const { envelope } = await seal(sender);
    const later = envelope.slice();
    later[16 + 4 + 16 + 4] = 2;
    expect(await open(receiver, later)).toEqual(cannotRead("unknown-version"));
    expect(await accept(new Uint8Array(3), human, agent)).toEqual(cannotRead("malformed"));
  });

  test("[C16][C31] gives the same messages in any order of delivery", async () => {
    const { sender, receiver } = await aTalk();
    const envelopes: Bytes[] = [];
    let session = sender;
    for (let i = 0; i < 12; i++) {
      const sent = await seal(session, aMessage(world, `m${i}`));
      envelopes.push(sent.envelope);
      ({ session } = sent);
    }
    const order = fc.shuffledSubarray([...envelopes.keys()], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(order, async (indexes) => {
        let reader = receiver;
        for (const [at, index] of indexes.entries()) {
          const read = must(await open(reader, envelopes[index] ?? new Uint8Array()));
          expect(new TextDecoder().decode(read.payload)).toBe(`m${index}`);
          expect(read.gap).toBe(index > 0 && !indexes.slice(0, at).includes(index - 1));
          reader = read.session;
        }
        const read = new Set(indexes);
        const missing = [...envelopes.keys()].filter(
          (index) => index < Math.max(...indexes) && !read.has(index),
        );
        expect(missingIndexes(reader)).toEqual(missing);
      }),
      { numRuns: 25 },
    );
  });

  test("[C16] steps over 63 messages at once and keeps their keys for a week", async () => {
    let { sender, receiver } = await aTalk();
    const first = await seal(sender);
    sender = first.session;
    for (let i = 1; i < 63; i++) sender = (await seal(sender)).session;
    const last = await seal(sender);

    const after = must(await open(receiver, last.envelope)).session;

    expect(after.chain.skipped.length).toBe(63);
    const week = { now: START + 7 * DAY };
    expect((await open(after, first.envelope, { now: START + 7 * DAY - 1 })).ok).toBe(true);
    expect(await open(after, first.envelope, week)).toEqual(cannotRead("replay"));
    expect(expireSkipped(after, week.now).chain.skipped).toEqual([]);
  });

  test("[C16] keeps at most eight sessions of a writer's device, dropping the oldest", async () => {
    const { receiver } = await aTalk();
    const sessions = Array.from({ length: 10 }, (_, i) => ({
      ...receiver,
      createdAt: START + ((i * 7) % 10),
    }));
    const closed = sessionsToClose(sessions).map(({ createdAt }) => createdAt - START);
    expect(closed).toEqual([0, 1]);
    expect(sessionsToClose(sessions.slice(0, 8))).toEqual([]);
  });

  test("[C17] [C31] fails beyond the count its writer has signed", async () => {
    const { sender, receiver } = await aTalk();
    const one = await seal(sender);
    const two = await seal(one.session);
    const read = must(await open(receiver, one.envelope)).session;

    const ended = endSession(read, { sid: read.sid, count: 1, lastHash: one.messageHash });

    expect(ended?.count).toBe(1);
    if (ended) expect(await open(ended, two.envelope)).toEqual(cannotRead("out-of-range"));
    expect(endSession(read, { sid: read.sid, count: 1, lastHash: two.messageHash })).toBe(null);
    expect(endSession(read, { sid: read.sid, count: 0, lastHash: read.openHash })).toBe(null);
    expect(endSession(read, { sid: world.random(16), count: 1, lastHash: one.messageHash })).toBe(
      null,
    );
  });

  test("[C31] shows truncation by a signed count and a swap by the chained hash", async () => {
    const { sender, receiver } = await aTalk();
    const one = await seal(sender);
    const two = await seal(one.session);
    const read = must(await open(receiver, one.envelope)).session;
    const told = endSession(read, { sid: read.sid, count: 2, lastHash: two.messageHash });
    expect(told && missingIndexes(told)).toEqual([1]);
    expect(isProgressTrue(read, { count: 1, lastHash: one.messageHash })).toBe(true);

    // A writer that forks its own chain: message 1 names another message 0.
    const other = await seal(sender, aMessage(world, "other"));
    const next = await seal(other.session);
    expect(must(await open(read, next.envelope)).gap).toBe(true);
  });
});

describe("a message's signature", () => {
  test("[C12] stands for its own header: a reader who puts the same words under another one is refused", async () => {
    const { primitives } = world;
    const { sender, receiver } = await aTalk();
    const { envelope } = await seal(sender);
    const { head, headerBytes, sessionWrap, body } = must(parseEnvelope(envelope));
    const { messageKey } = must(takeMessageKey(primitives, receiver.chain, head.index, START));
    const hash = primitives.sha256(headerBytes);
    const contentKey = openSessionWrap(primitives, messageKey, head, hash, sessionWrap);
    if (contentKey === null) throw new Error("a reader holds the key");
    const words = must(
      openBody(primitives, head.suite, contentKey, head.commitment, headerBytes, body),
    );
    const under = (change: object) => {
      const header = encodeMessageHeader({ ...head, ...change });
      const otherHash = primitives.sha256(header);
      const wrap = sealSessionWrap(primitives, messageKey, head, otherHash, contentKey);
      const { signature, plaintext } = words;
      const sealed = sealBody(primitives, head.suite, contentKey, header, signature, plaintext);
      return enc("env", header, new Uint8Array(), wrap, new Uint8Array(), sealed);
    };
    expect((await open(receiver, under({}))).ok).toBe(true);
    for (const change of [
      { messageId: world.messageId() },
      { createdAt: START + 1 },
      { kind: "control" },
      { previous: world.random(32) },
    ])
      expect(await open(receiver, under(change))).toEqual(cannotRead("signature"));
  });
});

describe("a wrap of its own", () => {
  test("[C10] opens for the recipient and the message it was made for, and for no other", async () => {
    const { primitives } = world;
    const { kid, prekey, privateKey } = webhook.prekeys[1];
    const { accountId, deviceId, fingerprint } = webhook;
    const to = { accountId, deviceId, fingerprint, kid, mode: "envelope" } as const;
    const about = {
      suite: 1,
      conversationId: conversation.conversationId,
      messageId: world.messageId(),
      senderId: human.accountId,
      senderDeviceId: human.deviceId,
      senderFingerprint: human.fingerprint,
    } as const;
    const [hash, contentKey] = [world.random(32), world.random(32)];
    const { publicKey } = prekey;
    const wrap = must(
      await sealEnvelopeWrap(primitives, about, { ...to, publicKey }, hash, contentKey),
    );
    const opened = (changed: object, recipient: object = {}, headerHash = hash) =>
      openEnvelopeWrap(
        primitives,
        { ...about, ...changed },
        { ...to, privateKey: privateKey.reveal(), ...recipient },
        headerHash,
        wrap,
      );
    expect(await opened({})).toEqual(contentKey);
    for (const changed of [
      { conversationId: world.messageId() },
      { messageId: world.messageId() },
      { senderId: agent.accountId },
      { senderDeviceId: laptop.deviceId },
      { senderFingerprint: agent.fingerprint },
    ])
      expect(await opened(changed)).toBe(null);
    for (const recipient of [
      { accountId: agent.accountId },
      { deviceId: agent.deviceId },
      { fingerprint: agent.fingerprint },
      { kid: agent.prekeys[1].kid },
      { privateKey: agent.prekeys[1].privateKey.reveal() },
    ])
      expect(await opened({}, recipient)).toBe(null);
    expect(await opened({}, {}, world.random(32))).toBe(null);
  });
});

describe("keys of a session", () => {
  test("are never printed", async () => {
    const { sender, receiver } = await aTalk();
    const printed = JSON.stringify([sender.chain, receiver.chain]);
    expect(printed).toContain("«secret»");
    expect(String(receiver.chain.key)).toBe("«secret»");
  });

  test("[C16] are erased without harm to the session that replaced theirs", async () => {
    const { sender, receiver } = await aTalk();
    const one = await seal(sender);
    const two = await seal(one.session);
    const three = await seal(two.session);
    const first = must(await open(receiver, two.envelope)).session;
    const second = must(await open(first, three.envelope)).session;
    eraseReceiverSession(receiver);
    eraseReceiverSession(first);
    eraseSenderSession(sender);
    expect(receiver.chain.key.reveal()).toEqual(new Uint8Array(32));
    const third = must(await open(second, one.envelope)).session;
    eraseReceiverSession(second);
    const four = await seal(three.session);
    expect((await open(third, four.envelope)).ok).toBe(true);
    expect((await seal(three.session)).header.index).toBe(3);
  });

  test("come back from the store as they went in", async () => {
    const { sender, receiver } = await aTalk();
    const one = await seal(sender);
    const two = await seal(one.session);
    const after = { ...must(await open(receiver, two.envelope)).session, count: 2 };

    for (const session of [receiver, { ...after, previousSid: world.random(16) }]) {
      const stored = encodeReceiverSession(session);
      const back = parseReceiverSession(stored);
      expect(back && encodeReceiverSession(back)).toEqual(stored);
      expect(back && { ...back, chain: null }).toEqual({ ...session, chain: null });
    }
    const back = parseReceiverSession(encodeReceiverSession(after));
    expect(back && (await open(back, one.envelope)).ok).toBe(true);
  });

  test("do not come back from anything else", async () => {
    const { receiver } = await aTalk();
    const stored = encodeReceiverSession(receiver);
    expect(parseReceiverSession(stored.slice(1))).toBe(null);
    expect(parseReceiverSession(new Uint8Array())).toBe(null);
    expect(parseReceiverSession(flipped(stored, 4))).toBe(null);
    expect(parseReceiverSession(stored.map((byte, i) => (i === 4 + 49 ? 7 : byte)))).toBe(null);
  });
});

describe("envelope mode", () => {
  const read = (envelope: Bytes, from: Endpoint, by: Endpoint, more = {}) =>
    openEnvelopeMessage(world.primitives, envelope, {
      ...contextFrom(from),
      self: by.self,
      prekeyOf: prekeyOf(by),
      ...more,
    });

  const stateless = async (from: Endpoint, to: readonly Endpoint[], suite: 1 | 2 = 1) =>
    must(
      await sealEnvelope(world.primitives, {
        ...aMessage(world, "stateless"),
        self: from.self,
        conversationId: conversation.conversationId,
        ledger: ledgerPoint(),
        recipients: to.map((endpoint) => recipientOf(endpoint, suite)),
      }),
    );

  test("[C10][C32] a stateless agent's message opens at each device by its own wrap", async () => {
    for (const suite of [1, 2] as const) {
      for (const devices of [
        [human, laptop],
        [laptop, human],
      ]) {
        const { envelope, header, messageHash } = await stateless(webhook, devices, suite);
        const other = await stateless(webhook, devices, suite);
        expect(other.header.sid).not.toEqual(header.sid);
        expect(header).toMatchObject({ index: 0, previous: new Uint8Array(32) });
        for (const device of devices) {
          const message = must(await read(envelope, webhook, device));
          expect(new TextDecoder().decode(message.payload)).toBe("stateless");
          expect(message).toMatchObject({ messageHash, isExecutable: true });
        }
      }
    }
  });

  test("[C32] a person counts towards a stateless agent though no session was opened", async () => {
    const opened = must(
      await openSenderSession(world.primitives, senderOptions(human, [recipientOf(webhook)])),
    );
    expect(opened.sessionOpen).toBe(null);
    const one = await seal(opened.session);
    const two = await seal(one.session);
    expect(one.header).toMatchObject({ index: 0, previous: new Uint8Array(32) });
    expect(two.header).toMatchObject({ index: 1, previous: one.messageHash, sid: one.header.sid });
    expect((await read(two.envelope, human, webhook)).ok).toBe(true);
    eraseSenderSession(opened.session);
  });

  test("[C10][C11] one message reaches sessions and stateless agents alike", async () => {
    const both = [recipientOf(agent), recipientOf(laptop), recipientOf(webhook)];
    const { sender, receiver } = await aTalk(both);
    const { envelope } = await seal(sender);
    const head = must(peekEnvelope(envelope));
    expect(head).toMatchObject({ hasSessionWrap: true, hasEnvelopeWraps: true });
    expect(head.recipients.length).toBe(3);
    const bySession = must(await open(receiver, envelope));
    const byWrap = must(await read(envelope, human, webhook));
    expect(byWrap.plaintextHash).toEqual(bySession.plaintextHash);
    expect(await read(envelope, human, agent)).toEqual(cannotRead("below-floor"));
  });

  test("[C11] [C23] a mixed message whose list is not the session's is refused", async () => {
    const both = [recipientOf(agent), recipientOf(laptop), recipientOf(webhook)];
    const { sender, receiver } = await aTalk(both);
    const { envelope } = await seal(sender);
    const other = await aTalk([recipientOf(agent), recipientOf(webhook)]);
    const crossed = { ...receiver, recipientList: other.receiver.recipientList };
    expect(await open(crossed, envelope)).toEqual(cannotRead("recipients-mismatch"));
    const forged = withHeader(envelope, { recipientsHash: world.random(32) });
    expect(await open(receiver, forged)).toEqual(cannotRead("recipients-mismatch"));
    for (const gone of [human, webhook]) {
      const isMember = (id: string) => id !== gone.accountId;
      const ledger = { ...ledgerView(conversation), isMember };
      expect(await open(receiver, envelope, { ledger })).toEqual(cannotRead("not-member"));
    }
    const { envelope: alone } = await stateless(webhook, [human]);
    const ledger = {
      ...ledgerView(conversation),
      isMember: (id: string) => id !== webhook.accountId,
    };
    expect(await read(alone, webhook, human, { ledger })).toEqual(cannotRead("not-member"));
  });

  test("[C25] every byte matters and every failure has one face", async () => {
    const { envelope } = await stateless(webhook, [human]);
    for (let at = 0; at < envelope.length; at++) {
      const message = await read(flipped(envelope, at), webhook, human);
      expect(message.ok, `byte ${at}`).toBe(false);
      if (!message.ok) expect(message.failure.kind).toBe("crypto/cannot-read");
    }
  });

  test("[C25] checks stand in their order", async () => {
    const { envelope } = await stateless(webhook, [human]);
    const ledger = ledgerView(conversation);
    const causes = [
      await read(envelope.slice(1), webhook, human),
      await read(envelope, agent, human),
      await read(envelope, webhook, human, { ledger: { ...ledger, headAt: () => undefined } }),
      await read(envelope, webhook, human, {
        ledger: { ...ledger, headAt: () => new Uint8Array(32) },
      }),
      await read(envelope, webhook, human, { suiteFloor: 2 }),
      await read(envelope, webhook, human, { ledger: { ...ledger, isMember: () => false } }),
      await read(envelope, webhook, stranger),
      await read(envelope, webhook, human, { seen: () => true }),
      await read(envelope, webhook, human, { prekeyOf: () => undefined }),
      await read(envelope, webhook, human, { prekeyOf: () => laptop.prekeys[1] }),
      await read(envelope, webhook, human, {
        prekeyOf: () => ({ ...human.prekeys[1], privateKey: laptop.prekeys[1].privateKey }),
      }),
      await read(envelope, webhook, human, {
        sender: { ...contextFrom(webhook).sender, signingKey: laptop.signer.publicKey },
      }),
    ].map((result) => !result.ok && "cause" in result.failure && result.failure.cause);
    expect(causes).toEqual([
      "malformed",
      "unknown-sender",
      "ledger-unknown",
      "ledger-fork",
      "below-floor",
      "not-member",
      "not-addressed",
      "replay",
      "unknown-prekey",
      "unknown-prekey",
      "tag",
      "signature",
    ]);
  });

  test("[C29] asks by device with session, index and message whether it was taken before, before a key is looked for", async () => {
    const { envelope, header } = await stateless(webhook, [human]);
    const asked: object[] = [];
    const repeated = await read(envelope, webhook, human, {
      seen: (head: object) => asked.push(head) > 0,
      prekeyOf: () => expect.unreachable("a key was looked for"),
    });
    expect(repeated).toEqual(cannotRead("replay"));
    const { senderDeviceId, sid, index, messageId } = header;
    expect(asked).toEqual([expect.objectContaining({ senderDeviceId, sid, index, messageId })]);
  });

  test("[C24] two devices that keep sessions never fall back to it", async () => {
    const { envelope } = await stateless(human, [agent]);
    expect(await read(envelope, human, agent)).toEqual(cannotRead("below-floor"));
    const { sender } = await aTalk();
    const sessionOnly = await seal(sender);
    const asStateless = { self: { ...agent.self, mode: "envelope" } };
    const message = await read(sessionOnly.envelope, human, agent, asStateless);
    expect(message).toEqual(cannotRead("unknown-session"));
  });

  test("[C32] too old or too far ahead it is shown but not to be executed", async () => {
    const { envelope } = await stateless(webhook, [human]);
    const at = async (now: number) =>
      must(await read(envelope, webhook, human, { now })).isExecutable;
    expect(await at(START + 14 * DAY)).toBe(true);
    expect(await at(START + 14 * DAY + 1)).toBe(false);
    expect(await at(START - 600_000)).toBe(true);
    expect(await at(START - 600_001)).toBe(false);
  });

  test("needs a prekey of each recipient", async () => {
    const bootstrapKey = world.random(32);
    const recipients = [
      { ...recipientOf(agent), delivery: { mode: "session" as const, bootstrapKey } },
    ];
    const options = {
      ...aMessage(world),
      self: webhook.self,
      conversationId: conversation.conversationId,
      ledger: ledgerPoint(),
    };
    expect(await sealEnvelope(world.primitives, { ...options, recipients })).toEqual({
      ok: false,
      failure: { kind: "crypto/no-prekey" },
    });
    expect(await sealEnvelope(world.primitives, { ...options, recipients: [] })).toEqual({
      ok: false,
      failure: { kind: "crypto/no-recipients" },
    });
    const weak = recipientOf(webhook);
    if (!("prekey" in weak.delivery)) throw new Error("a prekey");
    const prekey = { ...weak.delivery.prekey, publicKey: new Uint8Array(32) };
    const bad = [{ ...weak, delivery: { mode: "envelope" as const, prekey } }];
    const sealed = await sealEnvelope(world.primitives, { ...options, recipients: bad });
    expect(sealed).toEqual({ ok: false, failure: { kind: "crypto/bad-public-key" } });
    const { session } = must(await openSenderSession(world.primitives, senderOptions(human, bad)));
    expect(await sealMessage(world.primitives, session, aMessage(world))).toEqual({
      ok: false,
      failure: { kind: "crypto/bad-public-key" },
    });
  });
});
