// Makes the golden vectors of session opens, messages, prekeys, ledgers and streams: seeded randomness, one small
// story, then bad variants with the reason for which each is refused.
import { type Bytes, bytesToHex, concat, hexToBytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { enc } from "#protocol/encoding.ts";
import { encodeMessageHeader, parseEnvelope } from "#protocol/envelope.ts";
import { makeId, type StreamId } from "#protocol/ids.ts";
import type { ReadFault } from "../failure.ts";
import { appendAccount } from "../ledger/account.ts";
import { appendConversation } from "../ledger/conversation.ts";
import type { ConversationState } from "../ledger/conversation-state.ts";
import type { NewMessage } from "../message-seal.ts";
import { makePrekey } from "../prekeys.ts";
import { messageKey } from "../ratchet/chain-key.ts";
import type { Recipient } from "../recipient.ts";
import { contentCommitment, messageSigned, sealBody } from "../seal.ts";
import { openSenderSession, sealEnvelope, sealMessage, type SenderSession } from "../sender-session.ts";
import { sealDelta, streamSealer } from "../stream-seal.ts";
import { sealSessionWrap } from "../wrap.ts";
import {
  aConversation,
  accountsOf,
  actorOf,
  anEndpoint,
  aSecondDevice,
  createWorld,
  type Endpoint,
  must,
  recipientOf,
  START,
  type World,
} from "./people.ts";

/** Payload sizes at both sides of each edge between buckets, with the content type `json`. */
const EDGE_SIZES = [0, 225, 226, 481, 482, 993, 994, 2017, 2018, 4065, 4066, 524_288] as const;
/** Above this an envelope is kept as its hash. */
const KEPT_SIZE_BYTES = 6000;

/** Bytes that look like text and are the same each time. */
export const patternPayload = (sizeBytes: number): Bytes =>
  Uint8Array.from({ length: sizeBytes }, (_, at) => 97 + (at % 26));

/** Bytes of golden hexadecimal text. */
export function fromHex(text: string): Bytes {
  const bytes = hexToBytes(text);
  assert(bytes !== null, "golden bytes are hexadecimal");
  return bytes;
}

/** The cast of every file: a person with two devices, an agent, an agent without sessions. */
export type Cast = {
  readonly world: World;
  readonly phone: Endpoint;
  readonly laptop: Endpoint;
  readonly agent: Endpoint;
  readonly webhook: Endpoint;
  readonly conversation: ConversationState;
  readonly conversationEntries: readonly Bytes[];
};

/** The cast of one seed. */
export async function makeCast(seed: number): Promise<Cast> {
  const world = await createWorld(seed);
  const first = await anEndpoint(world, "human");
  const laptop = await aSecondDevice(world, first);
  const phone = { ...first, account: laptop.account, entries: laptop.entries };
  const agent = await anEndpoint(world, "agent");
  const webhook = await anEndpoint(world, "agent", "envelope");
  const made = await aConversation(world, "group", [phone, agent, webhook]);
  const { state: conversation, entries: conversationEntries } = made;
  return { world, phone, laptop, agent, webhook, conversation, conversationEntries };
}

/** All files by name. */
export async function makeGoldenSession() {
  const story = await makeStory();
  return {
    open: story.open,
    message: story.message,
    prekey: await makeGoldenPrekeys(),
    grant: await makeGoldenGrants(),
    delta: await makeGoldenDeltas(),
  };
}

/** The seed of each file's cast. */
export const SEEDS = { story: 101, prekey: 102, grant: 103, delta: 104 } as const;

async function makeStory() {
  const cast = await makeCast(SEEDS.story);
  const given = describeCast(cast);
  const sessions = [
    await openCase(cast, "x25519", reach(cast, 1)),
    await openCase(cast, "x-wing", reach(cast, 2)),
    await openCase(cast, "card key", [cardRecipient(cast.agent), recipientOf(cast.laptop)]),
    await openCase(cast, "mixed", [...reach(cast, 1), recipientOf(cast.webhook)]),
  ];
  const [x25519, xwing, , mixed] = sessions.map(({ session }) => session);
  assert(x25519 && xwing && mixed, "four sessions");
  const edges = await sealEdges(cast, x25519);
  const cases = [
    ...edges,
    ...(await sealKinds(cast, "x-wing", xwing)),
    ...(await sealKinds(cast, "mixed", mixed)),
    await statelessCase(cast, 1),
    await statelessCase(cast, 2),
  ];
  const bad = await makeBadMessages(cast, x25519);
  const opens = sessions.map(({ name, sessionOpen, seedChainKey }) => ({
    name,
    sessionOpen: bytesToHex(sessionOpen),
    chainKey: bytesToHex(seedChainKey),
  }));
  const [first] = sessions;
  assert(first !== undefined, "a session");
  return {
    open: { seed: SEEDS.story, given, cases: opens, bad: makeBadOpens(first.sessionOpen) },
    message: { seed: SEEDS.story, given, cases, bad },
  };
}

const reach = ({ agent, laptop }: Cast, suite: 1 | 2): readonly Recipient[] => [
  recipientOf(agent, suite),
  recipientOf(laptop, suite),
];

/** The agent by the long-lived key on its card. */
function cardRecipient(agent: Endpoint): Recipient {
  const { bootstrapKey } = agent.account;
  assert(bootstrapKey !== null, "an agent's card has a long-lived key");
  return { ...recipientOf(agent), delivery: { mode: "session", bootstrapKey } };
}

async function openCase(cast: Cast, name: string, recipients: readonly Recipient[]) {
  const { world, phone, conversation } = cast;
  const opened = must(
    await openSenderSession(world.primitives, {
      writer: world.random(16),
      self: phone.self,
      conversationId: conversation.conversationId,
      account: { seq: phone.account.seq, head: phone.account.head },
      ledger: { seq: conversation.seq, head: conversation.head },
      previousSid: null,
      recipients,
      now: START,
    }),
  );
  const { session, sessionOpen } = opened;
  assert(sessionOpen !== null && session.chain !== null, "a session with readers");
  return { name, session, sessionOpen, seedChainKey: session.chain.key.reveal() };
}

const newMessage = (cast: Cast, payload: Bytes, kind: NewMessage["kind"] = "content") => ({
  messageId: cast.world.messageId(),
  contentType: "json",
  payload,
  kind,
  createdAt: START + 1000,
});

async function sealEdges(cast: Cast, from: SenderSession) {
  const cases: ReturnType<typeof messageCase>[] = [];
  let session = from;
  for (const size of EDGE_SIZES) {
    const message = newMessage(cast, patternPayload(size));
    const sealed = must(await sealMessage(cast.world.primitives, session, message));
    cases.push(messageCase(cast, `${size} bytes`, "x25519", "agent", size, sealed));
    ({ session } = sealed);
  }
  return cases;
}

async function sealKinds(cast: Cast, name: string, from: SenderSession) {
  const cases: ReturnType<typeof messageCase>[] = [];
  let session = from;
  for (const kind of ["content", "stream-start", "stream-done", "control"] as const) {
    const message = newMessage(cast, patternPayload(10), kind);
    const sealed = must(await sealMessage(cast.world.primitives, session, message));
    cases.push(messageCase(cast, `${name}, ${kind}`, name, "agent", 10, sealed));
    if (name === "mixed") {
      cases.push(messageCase(cast, `stateless, ${kind}`, null, "webhook", 10, sealed));
    }
    ({ session } = sealed);
  }
  return cases;
}

async function statelessCase(cast: Cast, suite: 1 | 2) {
  const { world, webhook, phone, laptop, conversation } = cast;
  const sealed = must(
    await sealEnvelope(world.primitives, {
      ...newMessage(cast, patternPayload(10)),
      self: webhook.self,
      conversationId: conversation.conversationId,
      ledger: { seq: conversation.seq, head: conversation.head },
      recipients: [recipientOf(phone, suite), recipientOf(laptop, suite)],
    }),
  );
  return messageCase(cast, `from a stateless agent, suite ${suite}`, null, "laptop", 10, sealed);
}

/** A message, who reads it, and by which session's open (null: by a wrap of its own). */
function messageCase(
  { world }: Cast,
  name: string,
  session: string | null,
  reader: "agent" | "laptop" | "webhook",
  payloadSizeBytes: number,
  sealed: {
    readonly envelope: Bytes;
    readonly messageHash: Bytes;
    readonly plaintextHash: Bytes;
  },
) {
  const { envelope, messageHash, plaintextHash } = sealed;
  const isKept = envelope.length <= KEPT_SIZE_BYTES;
  return {
    name,
    session,
    reader,
    payloadSizeBytes,
    envelope: isKept ? bytesToHex(envelope) : null,
    envelopeSha256: bytesToHex(world.primitives.sha256(envelope)),
    envelopeSizeBytes: envelope.length,
    messageHash: bytesToHex(messageHash),
    plaintextHash: bytesToHex(plaintextHash),
  };
}

/** Wrong messages of the first session's index 0, each made so that one check alone stands against it. */
async function makeBadMessages(cast: Cast, session: SenderSession) {
  const { world, laptop, phone } = cast;
  const { primitives } = world;
  const good = must(
    await sealMessage(primitives, session, newMessage(cast, patternPayload(10))),
  );
  const { envelope, header } = good;
  const { sessionWrap, body } = must(parseEnvelope(envelope));
  const contentKey = world.random(32);
  const none = new Uint8Array();

  /** A whole message by the session's own writer around a plaintext and signature of ours. */
  const forged = async (
    plaintext: Bytes,
    options: { readonly signer?: Endpoint["signer"]; readonly committed?: Bytes } = {},
  ) => {
    const commitment = contentCommitment(primitives, header.suite, options.committed ?? contentKey);
    const headerBytes = encodeMessageHeader({ ...header, commitment });
    const headerHash = primitives.sha256(headerBytes);
    assert(session.chain !== null, "a session with readers");
    const key = messageKey(primitives, session.chain.key.reveal(), 0);
    const wrap = sealSessionWrap(primitives, key, header, headerHash, contentKey);
    const signed = messageSigned(headerHash, primitives.sha256(plaintext));
    const signature = await (options.signer ?? phone.signer).sign(signed);
    const sealed = sealBody(
      primitives,
      header.suite,
      contentKey,
      headerBytes,
      signature,
      plaintext,
    );
    return enc("env", headerBytes, none, wrap, none, sealed);
  };
  const padded = (pad: Bytes, size = 10) =>
    enc("pt", new TextEncoder().encode("json"), patternPayload(size), pad);
  const zeros = new Uint8Array(256 - 27 - 4 - 10);
  const withHeader = (change: object) =>
    enc("env", encodeMessageHeader({ ...header, ...change }), none, sessionWrap, none, body);

  const variants: readonly (readonly [string, Bytes, ReadFault])[] = [
    ["a byte less", envelope.slice(0, -1), "malformed"],
    ["a byte more", concat(envelope, new Uint8Array(1)), "malformed"],
    ["another version", replaced(envelope, 40, 2), "unknown-version"],
    ["an unknown suite", replaced(envelope, 45, 9), "malformed"],
    ["an unknown mode", replaced(envelope, 50, 4), "malformed"],
    ["a padding byte that is not zero", await forged(padded(zeros.map((_, i) => (i ? 0 : 1)))), "padding"],
    ["a bucket larger than needed", await forged(padded(new Uint8Array(zeros.length + 256))), "padding"],
    ["a signature by another device", await forged(padded(zeros), { signer: laptop.signer }), "signature"],
    ["a commitment to another key", await forged(padded(zeros), { committed: world.random(32) }), "commitment"],
    ["another message id", withHeader({ messageId: world.messageId() }), "tag"],
    ["a later index", withHeader({ index: 3 }), "tag"],
    ["an index past the session", withHeader({ index: 64 }), "out-of-range"],
    ["a time before the session", withHeader({ createdAt: START - 1 }), "out-of-time"],
    ["another ledger", withHeader({ ledgerSeq: 0 }), "ledger-mismatch"],
    ["another recipient list", withHeader({ recipientsHash: world.random(32) }), "recipients-mismatch"],
    ["a changed body", replaced(envelope, envelope.length - 20, 0xaa), "tag"],
  ];
  const control = await forged(padded(zeros));
  return {
    session: "x25519",
    reader: "agent" as const,
    /** The forger's message without any fault: it opens. */
    control: bytesToHex(control),
    cases: variants.map(([name, bytes, cause]) => ({ name, envelope: bytesToHex(bytes), cause })),
  };
}

function makeBadOpens(sessionOpen: Bytes) {
  const at = sessionOpen.length;
  const variants: readonly (readonly [string, Bytes, ReadFault])[] = [
    ["a byte less", sessionOpen.slice(0, -1), "malformed"],
    ["another version", replaced(sessionOpen, 21 + 4 + 21, 2), "unknown-version"],
    ["an unknown suite", replaced(sessionOpen, 21 + 4 + 26, 9), "malformed"],
    ["a changed signature", replaced(sessionOpen, at - 1, 0xff), "signature"],
    ["a changed wrap", replaced(sessionOpen, at - 70, 0xaa), "signature"],
    ["a changed writer", replaced(sessionOpen, 21 + 4 + 21 + 10 + 40 + 8, 0xaa), "signature"],
  ];
  return variants.map(([name, bytes, cause]) => ({ name, sessionOpen: bytesToHex(bytes), cause }));
}

async function makeGoldenPrekeys() {
  const cast = await makeCast(SEEDS.prekey);
  const { world, agent, phone } = cast;
  const owners = [agent, phone].flatMap((owner) =>
    ([1, 2] as const).map((suite) => ({
      owner: owner.accountId,
      device: owner.deviceId,
      signingKey: bytesToHex(owner.signer.publicKey),
      fingerprint: bytesToHex(owner.fingerprint),
      suite,
      certificate: bytesToHex(owner.prekeys[suite].certificate),
      privateKey: bytesToHex(owner.prekeys[suite].privateKey.reveal()),
    })),
  );
  const { certificate } = agent.prekeys[1];
  const base = {
    owner: agent.accountId,
    device: agent.deviceId,
    fingerprint: agent.fingerprint,
    suite: 1,
    mode: "session",
    suiteFloor: 1,
    notBefore: START,
    notAfter: START + 1000,
  } as const;
  const make = async (change: object) =>
    (await makePrekey(world.primitives, { ...base, signer: agent.signer, ...change })).certificate;
  const variants: readonly (readonly [string, Bytes, string])[] = [
    ["a byte more", concat(certificate, new Uint8Array(1)), "malformed"],
    ["an unknown suite", replaced(certificate, 15 + 60 + 4, 7), "malformed"],
    ["another owner", await make({ owner: phone.accountId }), "owner"],
    ["another device's signature", await make({ signer: phone.signer }), "signature"],
    ["a window that is over", await make({ notAfter: START - 600_001, notBefore: 1 }), "window"],
    ["a life of a year", await make({ notAfter: START + 366 * 86_400_000 }), "window"],
    ["another mode", await make({ mode: "envelope" }), "mode"],
    ["a floor above its suite", await make({ suiteFloor: 2 }), "floor"],
  ];
  const bad = variants.map(([name, bytes, reason]) => ({
    name,
    certificate: bytesToHex(bytes),
    reason,
  }));
  return { seed: SEEDS.prekey, now: START, cases: owners, bad };
}

async function makeGoldenGrants() {
  const cast = await makeCast(SEEDS.grant);
  const { world, phone, laptop, agent, webhook } = cast;
  const revoked = must(
    await appendAccount(world.primitives, laptop.account, {
      actorDeviceId: laptop.deviceId,
      signer: laptop.signer,
      op: { type: "device-revoke", deviceId: phone.deviceId },
      createdAt: START + 1,
    }),
  );
  const grant = must(
    await appendConversation(
      world.primitives,
      cast.conversation,
      {
        actor: actorOf(phone),
        op: {
          type: "standing-grant",
          accountId: agent.accountId,
          grantId: world.random(16),
          scopeHash: world.random(32),
        },
        createdAt: START + 2,
        notAfter: START + 3,
      },
      accountsOf([phone, agent, webhook]),
    ),
  );
  const accounts = [
    { accountId: phone.accountId, entries: [...laptop.entries, revoked.entry], head: revoked.state.head },
    { accountId: agent.accountId, entries: agent.entries, head: agent.account.head },
    { accountId: webhook.accountId, entries: webhook.entries, head: webhook.account.head },
  ];
  const last = revoked.entry;
  const variants: readonly (readonly [string, Bytes, string])[] = [
    ["a byte more", concat(last, new Uint8Array(1)), "malformed"],
    ["an unknown op", replaced(last, 18 + 5 + 20 + 12 + 36 + 20 + 20 + 4, 99), "malformed"],
    ["another account", replaced(last, 18 + 5 + 4, 0xee), "scope"],
    ["a later place", replaced(last, 18 + 5 + 20 + 11, 9), "broken-chain"],
    ["another entry before", replaced(last, 18 + 5 + 20 + 12 + 4, last[59] === 0 ? 1 : 0), "broken-chain"],
    ["a changed signature", replaced(last, last.length - 1, 0xff), "signature"],
  ];
  return {
    seed: SEEDS.grant,
    accounts: accounts.map(({ accountId, entries, head }) => ({
      accountId,
      entries: entries.map(bytesToHex),
      head: bytesToHex(head),
    })),
    conversation: {
      conversationId: cast.conversation.conversationId,
      entries: [...cast.conversationEntries, grant.entry].map(bytesToHex),
      head: bytesToHex(grant.state.head),
    },
    /** Each stands in place of the last entry of the first account. */
    bad: variants.map(([name, bytes, reason]) => ({ name, entry: bytesToHex(bytes), reason })),
  };
}

async function makeGoldenDeltas() {
  const { world, conversation } = await makeCast(SEEDS.delta);
  const streamKey = world.random(32);
  const startHash = world.random(32);
  const { conversationId } = conversation;
  const streamId = makeId<StreamId>(START, world.random);
  let state = streamSealer(world.primitives, { streamKey, conversationId, streamId, startHash });
  const cases: { text: string; delta: string; runningHash: string }[] = [];
  for (const text of ["Once", "", " upon a time", "你好，世界", "x".repeat(222), "x".repeat(223)]) {
    const sealed = must(sealDelta(world.primitives, state, text));
    ({ state } = sealed);
    const runningHash = bytesToHex(state.runningHash);
    cases.push({ text, delta: bytesToHex(sealed.delta), runningHash });
  }
  const [first] = cases;
  assert(first !== undefined, "a delta");
  const delta = fromHex(first.delta);
  const bad = [
    { name: "a changed byte", delta: bytesToHex(replaced(delta, 0, 0xaa)), cause: "tag" },
    { name: "a later delta", delta: cases[1]?.delta ?? "", cause: "tag" },
    { name: "a byte less", delta: bytesToHex(delta.slice(1)), cause: "malformed" },
  ];
  return {
    seed: SEEDS.delta,
    conversationId,
    streamId,
    streamKey: bytesToHex(streamKey),
    startHash: bytesToHex(startHash),
    cases,
    /** Each in place of the first delta. */
    bad,
  };
}

/** Everything a reader of the story needs to hold, as hexadecimal text. */
function describeCast({ phone, laptop, agent, webhook, conversation }: Cast) {
  const person = (endpoint: Endpoint) => ({
    accountId: endpoint.accountId,
    deviceId: endpoint.deviceId,
    mode: endpoint.mode,
    signingKey: bytesToHex(endpoint.signer.publicKey),
    identityKey: bytesToHex(endpoint.identity.publicKey),
    fingerprint: bytesToHex(endpoint.fingerprint),
    cardPrivateKey: bytesToHex(endpoint.bootstrap.reveal()),
    prekeys: ([1, 2] as const).map((suite) => ({
      kid: bytesToHex(endpoint.prekeys[suite].kid),
      suite,
      certificate: bytesToHex(endpoint.prekeys[suite].certificate),
      privateKey: bytesToHex(endpoint.prekeys[suite].privateKey.reveal()),
    })),
  });
  return {
    conversationId: conversation.conversationId,
    ledgerSeq: conversation.seq,
    ledgerHead: bytesToHex(conversation.head),
    phone: person(phone),
    laptop: person(laptop),
    agent: person(agent),
    webhook: person(webhook),
  };
}

const replaced = (bytes: Bytes, at: number, value: number): Bytes => {
  assert(bytes[at] !== value, "a replaced byte is another one");
  return bytes.map((byte, i) => (i === at ? value : byte));
};
