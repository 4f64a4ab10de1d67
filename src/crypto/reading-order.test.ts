// Each step of receiving on its own is tested where its rule is; here, that none of them comes before its turn.
import { beforeAll, expect, test } from "vitest";
import { type Bytes, concat } from "#base/bytes.ts";
import { enc } from "#protocol/encoding.ts";
import { encodeMessageHeader, parseEnvelope } from "#protocol/envelope.ts";
import { ledgerView } from "./ledger/conversation-state.ts";
import type { ConversationState } from "./ledger/conversation-state.ts";
import { MAX_SKIP } from "./limits.ts";
import type { ReadContext } from "./message-open.ts";
import type { Primitives } from "./primitives.ts";
import { takeMessageKey } from "./ratchet/receiver-chain.ts";
import { encodeReceiverSession } from "./receiver-session-record.ts";
import type { ReceiverSession } from "./receiver-session.ts";
import { contentCommitment, messageSigned, openBody, padPlaintext, sealBody } from "./seal.ts";
import { openSenderSession, sealMessage } from "./sender-session.ts";
import { senderView } from "./sender-view.ts";
import { acceptSession } from "./session-accept.ts";
import { openMessage } from "./session-read.ts";
import {
  aConversation,
  aMessage,
  anEndpoint,
  createWorld,
  type Endpoint,
  must,
  prekeyOf,
  recipientOf,
  START,
  type World,
} from "./vectors/people.ts";
import { openSessionWrap, sealSessionWrap } from "./wrap.ts";

let world: World;
let human: Endpoint;
let agent: Endpoint;
let webhook: Endpoint;
let conversation: ConversationState;
let context: ReadContext;
/** A session with a device that keeps it and one that does not, so that lists travel and are judged. */
let receiver: ReceiverSession;
let envelope: Bytes;

const viewOf = ({ account, deviceId }: Endpoint) => {
  const view = senderView(world.primitives, account, deviceId);
  if (view === null) throw new Error("a known device");
  return view;
};

beforeAll(async () => {
  world = await createWorld(25);
  human = await anEndpoint(world, "human");
  agent = await anEndpoint(world, "agent");
  webhook = await anEndpoint(world, "agent", "envelope");
  ({ state: conversation } = await aConversation(world, "group", [human, agent, webhook]));
  const opened = must(
    await openSenderSession(world.primitives, {
      writer: world.random(16),
      self: human.self,
      conversationId: conversation.conversationId,
      account: { seq: human.account.seq, head: human.account.head },
      ledger: { seq: conversation.seq, head: conversation.head },
      previousSid: null,
      recipients: [recipientOf(agent), recipientOf(webhook)],
      now: START,
    }),
  );
  context = {
    sender: viewOf(human),
    ledger: ledgerView(conversation),
    now: START,
    seen: () => false,
    suiteFloor: 1,
  };
  receiver = must(
    await acceptSession(world.primitives, {
      ...context,
      sessionOpen: opened.sessionOpen ?? new Uint8Array(),
      self: agent.self,
      prekeyOf: prekeyOf(agent),
    }),
  );
  ({ envelope } = must(await sealMessage(world.primitives, opened.session, aMessage(world))));
});

type Case = {
  readonly envelope: Bytes;
  readonly context: ReadContext;
  readonly session: ReceiverSession;
};

const withHeader = (change: object) => (one: Case) => {
  const { head, recipientList, sessionWrap, envelopeWraps, body } = must(
    parseEnvelope(one.envelope),
  );
  const header = encodeMessageHeader({ ...head, ...change });
  const changed = enc("env", header, recipientList, sessionWrap, concat(...envelopeWraps), body);
  return { ...one, envelope: changed };
};
const withContext = (change: Partial<ReadContext>) => (one: Case) => ({
  ...one,
  context: { ...one.context, ...change },
});
const withSession = (change: Partial<ReceiverSession>) => (one: Case) => ({
  ...one,
  session: { ...one.session, ...change },
});

/** Primitives that count what is computed with a key. */
function watched() {
  let usedKeys = 0;
  const { primitives } = world;
  const primitivesWatched: Primitives = {
    ...primitives,
    hmacSha256: (key, message) => {
      usedKeys += 1;
      return primitives.hmacSha256(key, message);
    },
    xchachaOpen: (key, nonce, aad, sealed) => {
      usedKeys += 1;
      return primitives.xchachaOpen(key, nonce, aad, sealed);
    },
  };
  return { primitives: primitivesWatched, usedKeys: () => usedKeys };
}

/** Every fault of steps 2 to 6, in the order of the steps; a message with all of them shows the first. */
const faults = (): readonly (readonly [cause: string, (one: Case) => Case])[] => [
  ["malformed", (one) => ({ ...one, envelope: one.envelope.slice(0, -1) })],
  ["unknown-session", withSession({ sid: world.random(16) })],
  ["unknown-sender", withContext({ sender: viewOf(agent) })],
  ["ledger-mismatch", withSession({ ledgerHead: world.random(32) })],
  ["below-floor", withContext({ suiteFloor: 2 })],
  ["recipients-mismatch", withHeader({ recipientsHash: world.random(32) })],
  ["not-member", withContext({ ledger: { ...ledgerView(conversation), isMember: () => false } })],
  ["out-of-range", withSession({ count: 0 })],
  ["out-of-time", withSession({ createdAt: START + 1 })],
  ["replay", withContext({ seen: () => true })],
  ["too-many-skipped", withSession({ chain: fullChain() })],
  ["tag", withHeader({ kind: "control" })],
];

/** A chain that keeps as many keys as it may. */
const fullChain = () => {
  const { chain } = must(takeMessageKey(world.primitives, receiver.chain, MAX_SKIP, START));
  return { ...receiver.chain, skipped: [...chain.skipped, ...chain.skipped.slice(0, 1)] };
};

test("[C25] [C27] [C29] of many faults the earliest step's is found, and until then no key is used", async () => {
  const inOrder = faults();
  const whole: Case = { envelope, context, session: receiver };
  for (const [at, [cause]] of inOrder.entries()) {
    // What breaks the bytes comes last, so that the other changes find them whole.
    const broken = inOrder.slice(at).reduceRight((one, [, change]) => change(one), whole);
    const before = encodeReceiverSession(broken.session);
    const { primitives, usedKeys } = watched();

    const read = await openMessage(primitives, broken.session, broken.envelope, broken.context);

    expect(read, cause).toEqual({ ok: false, failure: { kind: "crypto/cannot-read", cause } });
    expect(usedKeys() > 0, cause).toBe(cause === "tag");
    expect(encodeReceiverSession(broken.session)).toEqual(before);
  }
  expect((await openMessage(world.primitives, receiver, envelope, context)).ok).toBe(true);
});

test("[C25] [C27] a key that fits is judged by commitment, then tag, then padding, then signature", async () => {
  const { primitives } = world;
  const { head, headerBytes, sessionWrap, recipientList, envelopeWraps, body } = must(
    parseEnvelope(envelope),
  );
  const { messageKey } = must(takeMessageKey(primitives, receiver.chain, head.index, START));
  const hash = primitives.sha256(headerBytes);
  const contentKey = openSessionWrap(primitives, messageKey, head, hash, sessionWrap);
  if (contentKey === null) throw new Error("a reader holds the key");
  const honest = must(
    openBody(primitives, head.suite, contentKey, head.commitment, headerBytes, body),
  );
  const badlyPadded = concat(honest.plaintext.slice(0, -1), Uint8Array.of(1));

  /** Sealed by a member who holds the key; what is not asked for is wrong. */
  const sealed = async (right: {
    readonly commitment?: true;
    readonly tag?: true;
    readonly padding?: true;
    readonly signature?: true;
  }) => {
    const commitment =
      right.commitment === true
        ? contentCommitment(primitives, head.suite, contentKey)
        : world.random(32);
    const header = encodeMessageHeader({ ...head, commitment });
    const headerHash = primitives.sha256(header);
    const plaintext =
      right.padding === true ? must(padPlaintext(honest.contentType, honest.payload)) : badlyPadded;
    const signature =
      right.signature === true
        ? await human.signer.sign(messageSigned(headerHash, primitives.sha256(plaintext)))
        : world.random(64);
    const whole = sealBody(primitives, head.suite, contentKey, header, signature, plaintext);
    const shown =
      right.tag === true ? whole : whole.map((byte, at) => (at === 30 ? byte ^ 1 : byte));
    const wrap = sealSessionWrap(primitives, messageKey, head, headerHash, contentKey);
    return enc("env", header, recipientList, wrap, concat(...envelopeWraps), shown);
  };
  const causeOf = async (bytes: Bytes) => {
    const read = await openMessage(primitives, receiver, bytes, context);
    return read.ok ? "ok" : "cause" in read.failure ? read.failure.cause : read.failure.kind;
  };

  expect([
    await causeOf(await sealed({})),
    await causeOf(await sealed({ commitment: true })),
    await causeOf(await sealed({ commitment: true, tag: true })),
    await causeOf(await sealed({ commitment: true, tag: true, padding: true })),
    await causeOf(await sealed({ commitment: true, tag: true, padding: true, signature: true })),
  ]).toEqual(["commitment", "tag", "padding", "signature", "ok"]);
});
