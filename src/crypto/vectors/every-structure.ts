// One good specimen of every structure that travels or lies on a disk, in one story with the same keys as far as keys
// can be shared, each with the reader that expects it. For tests that give one where another is expected.
import { bytesToHex, utf8, type Bytes } from "#base/bytes.ts";
import type { Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { AttachmentId, StreamId } from "#protocol/ids.ts";
import { encodePayload, parsePayload, type KnownPayload } from "#protocol/payload.ts";
import { signApproval, verifyApproval } from "../approval.ts";
import { openBackup, openBackupKey, sealBackup, wrapBackupKey } from "../backup.ts";
import { encodeBackupContent, parseBackupContent } from "../backup-content.ts";
import { openContactRemark, sealContactRemark } from "../contact-remark.ts";
import * as control from "../control-records.ts";
import * as link from "../device-link.ts";
import { openDeviceName, sealDeviceName } from "../device-name.ts";
import { openEnvelopeMessage } from "../envelope-read.ts";
import { openFileBytes, sealFileBytes } from "../file-seal.ts";
import { fingerprint } from "../identity.ts";
import * as history from "../history-slice.ts";
import { appendAccount } from "../ledger/account.ts";
import { replayAccount } from "../ledger/account-replay.ts";
import { appendConversation } from "../ledger/conversation.ts";
import { replayConversation } from "../ledger/conversation-replay.ts";
import { ledgerView } from "../ledger/conversation-state.ts";
import type { ReadContext } from "../message-open.ts";
import { verifyPrekey } from "../prekeys.ts";
import { encodeReceiverSession, parseReceiverSession } from "../receiver-session-record.ts";
import { padPlaintext, parsePlaintext } from "../seal.ts";
import { openSecret, sealSecret } from "../secret-seal.ts";
import { openSenderSession, sealEnvelope, sealMessage } from "../sender-session.ts";
import { senderView } from "../sender-view.ts";
import { acceptSession } from "../session-accept.ts";
import { openMessage } from "../session-read.ts";
import { openDelta, sealDelta, streamSealer } from "../stream-seal.ts";
import { createVault, unwrapVaultKey, wrapVaultKey } from "../vault.ts";
import { signVouch, verifyVouch } from "../vouch.ts";
import * as wraps from "../wrap.ts";
import { APPROVAL_LEDGER, APPROVAL_NOW, goldenBackupContent, goldenRequest, IDS } from "./golden-sealed.ts";
import * as cast from "./people.ts";

const { must, START } = cast;

/** A structure and its reader. */
export type Structure = {
  readonly bytes: Bytes;
  /** How its reader refuses these bytes; null: it takes them. */
  readonly refuse: (bytes: Bytes) => Promise<string | null>;
  /** What the reader has before, and must have after a refusal. */
  readonly state: () => string;
};

type Refusal = Result<unknown, { readonly kind: string }>;
const STATELESS = (): string => "";

async function makeStory(watch?: cast.Watch) {
  const world = await cast.createWorld(71, watch);
  const ann = await cast.anEndpoint(world, "human");
  const bot = await cast.anEndpoint(world, "agent");
  const hook = await cast.anEndpoint(world, "agent", "envelope");
  const everyone = [ann, bot, hook];
  const { state: conversation } = await cast.aConversation(world, "group", everyone);
  const sender = senderView(world.primitives, ann.account, ann.deviceId);
  if (sender === null) throw new Error("a known device");
  const context: ReadContext = {
    sender,
    ledger: ledgerView(conversation),
    now: START,
    seen: () => false,
    suiteFloor: 1,
  };
  /** One key for everything that a key of 32 bytes opens. */
  const key = world.random(32);
  return { world, p: world.primitives, ann, bot, hook, everyone, conversation, context, key };
}
type Story = Awaited<ReturnType<typeof makeStory>>;

/** Every structure by name, and the key that signed all that are signed. */
export async function makeEveryStructure(watch?: cast.Watch) {
  const story = await makeStory(watch);
  const made: Record<string, Structure> = {
    ...(await messages(story)),
    ...payloads(story),
    ...(await signedRecords(story)),
    ...(await links(story)),
    ...(await sealedByKey(story)),
    ...(await history_(story)),
  };
  return { structures: new Map(Object.entries(made)), signer: story.ann.signer, p: story.p };
}

const reader = (
  bytes: Bytes,
  read: (bytes: Bytes) => Promise<Refusal> | Refusal,
  state = STATELESS,
): Structure => ({
  bytes,
  refuse: async (given) => {
    const result = await read(given);
    return result.ok ? null : result.failure.kind;
  },
  state,
});

const plainReader = (
  bytes: Bytes,
  read: (bytes: Bytes) => Promise<unknown> | unknown,
): Structure => ({
  bytes,
  refuse: async (given) => ((await read(given)) === null ? "nothing" : null),
  state: STATELESS,
});

async function messages({ world, p, ann, bot, hook, conversation, context, key }: Story) {
  const { conversationId } = conversation;
  const ledger = { seq: conversation.seq, head: conversation.head };
  const opened = must(
    await openSenderSession(p, {
      writer: world.random(16),
      self: ann.self,
      conversationId,
      account: { seq: ann.account.seq, head: ann.account.head },
      ledger,
      previousSid: null,
      recipients: [cast.recipientOf(bot)],
      now: START,
    }),
  );
  const accept = (sessionOpen: Bytes) =>
    acceptSession(p, { ...context, sessionOpen, self: bot.self, prekeyOf: cast.prekeyOf(bot) });
  const sessionOpen = opened.sessionOpen ?? new Uint8Array();
  const receiver = must(await accept(sessionOpen));
  const inSession = must(await sealMessage(p, opened.session, cast.aMessage(world)));
  const alone = must(
    await sealEnvelope(p, {
      ...cast.aMessage(world),
      self: ann.self,
      conversationId,
      ledger,
      recipients: [cast.recipientOf(hook)],
    }),
  );
  const byPrekey = { ...context, self: hook.self, prekeyOf: cast.prekeyOf(hook) };
  const place = { sid: receiver.sid, index: 0 };
  const prekey = hook.prekeys[1];
  const { accountId, deviceId, fingerprint } = hook;
  const to = { accountId, deviceId, fingerprint, kid: prekey.kid, mode: "envelope" } as const;
  const about = { ...alone.header, senderFingerprint: ann.fingerprint };
  const { publicKey } = prekey.prekey;
  const envelopeWrap = must(await wraps.sealEnvelopeWrap(p, about, { ...to, publicKey }, key, key));
  const privateKey = prekey.privateKey.reveal();
  const stream = streamSealer(p, {
    streamKey: key,
    conversationId,
    streamId: world.messageId() as string as StreamId,
    startHash: inSession.messageHash,
  });
  const record = encodeReceiverSession(receiver);
  return {
    "session opening": reader(sessionOpen, accept),
    "message of a session": reader(
      inSession.envelope,
      (given) => openMessage(p, receiver, given, context),
      () => bytesToHex(encodeReceiverSession(receiver)),
    ),
    "message by itself": reader(alone.envelope, (given) => openEnvelopeMessage(p, given, byPrekey)),
    "session wrap": plainReader(wraps.sealSessionWrap(p, key, place, key, key), (given) =>
      wraps.openSessionWrap(p, key, place, key, given),
    ),
    "envelope wrap": plainReader(envelopeWrap, (given) =>
      wraps.openEnvelopeWrap(p, about, { ...to, privateKey }, key, given),
    ),
    "stream piece": reader(
      must(sealDelta(p, stream, "piece")).delta,
      (given) => openDelta(p, stream, 0, given),
      () => `${stream.count} ${bytesToHex(stream.runningHash)}`,
    ),
    "stored chain": plainReader(record, parseReceiverSession),
  };
}

function payloads({ world }: Story) {
  const all: readonly KnownPayload[] = [
    { type: "text", text: "hello" },
    { type: "recall", message_id: world.messageId() },
    {
      type: "artifact_update",
      ref_artifact: world.messageId(),
      based_on_revision: 0,
      artifact: { title: "other", payload: {} },
    },
    { type: "stream", stream_id: world.messageId(), key: "A".repeat(43) + "=" },
  ];
  const named = all.map((payload): [string, Structure] => {
    const expects = (given: Bytes) => {
      const parsed = parsePayload(given);
      return parsed.ok && parsed.value.type === payload.type ? parsed : null;
    };
    return [`payload: ${payload.type}`, plainReader(must(encodePayload(payload)), expects)];
  });
  const padded = must(padPlaintext("json", utf8("hello")));
  return { ...Object.fromEntries(named), "padded plaintext": plainReader(padded, parsePlaintext) };
}

async function signedRecords({ world, p, ann, bot, everyone, conversation }: Story) {
  const { conversationId } = conversation;
  const { signer } = ann;
  const { accountId, deviceId, fingerprint } = ann;
  const progress = { sid: world.random(16), count: 3, lastHash: world.random(32) };
  const at = { conversationId, createdAt: START };
  const notice = { conversationId, messageId: world.messageId(), deviceId, kid: world.random(16) };
  const accountEntry = must(
    await appendAccount(p, ann.account, {
      actorDeviceId: deviceId,
      signer,
      op: { type: "device-revoke", deviceId },
      createdAt: START,
    }),
  );
  const op = { type: "remove", accountId: bot.accountId } as const;
  const actor = cast.actorOf(ann);
  const accountOf = cast.accountsOf(everyone);
  const change = { actor, op, createdAt: START };
  const entry = must(await appendConversation(p, conversation, change, accountOf));
  const request = goldenRequest(p);
  const choice = { optionId: "yes" };
  const approver = { accountId: IDS.human, deviceId: IDS.device };
  const decided = { choice, approver, signer, ledger: APPROVAL_LEDGER, now: APPROVAL_NOW };
  const approval = must(await signApproval(p, request, { ...decided, locale: "en" }));
  const expected = {
    choice,
    approver,
    signingKey: signer.publicKey,
    ledgerHeadAt: () => APPROVAL_LEDGER.head,
    now: APPROVAL_NOW,
  };
  const { publicKey } = signer;
  const owner = { owner: accountId, device: deviceId, signingKey: publicKey, fingerprint };
  const beat = { ...at, writer: world.random(16), sessions: [progress] };
  const told = { creator: ann.account, agent: bot.account, createdAt: START };
  return {
    prekey: reader(ann.prekeys[1].certificate, (given) =>
      verifyPrekey(p, given, { ...owner, mode: "session", floor: 1, now: START }),
    ),
    "account entry": reader(
      accountEntry.entry,
      (given) => replayAccount(p, accountId, [given], ann.account),
      () => `${ann.account.seq} ${bytesToHex(ann.account.head)}`,
    ),
    "conversation entry": reader(
      entry.entry,
      (given) => replayConversation(p, conversationId, [given], accountOf, conversation),
      () => `${conversation.seq} ${bytesToHex(conversation.head)}`,
    ),
    close: reader(await control.makeClose(p, { ...at, ...progress }, signer), (given) =>
      control.verifyClose(p, given, publicKey),
    ),
    beat: reader(await control.makeBeat(p, beat, signer), (given) =>
      control.verifyBeat(p, given, publicKey),
    ),
    notice: reader(await control.makeNotice(p, notice, signer), (given) =>
      control.verifyNotice(p, given, publicKey),
    ),
    "creator's word": plainReader(await signVouch(p, { ...told, deviceId }, signer), (given) =>
      verifyVouch(p, given, told),
    ),
    approval: reader(approval, (given) => verifyApproval(p, request, given, expected)),
  };
}

async function links({ p, ann, key }: Story) {
  const keys = { linkId: key.slice(0, 16), key: new Secret(key) };
  const content = goldenBackupContent();
  const { offer, note, nonce } = link.sealLinkOffer(p, keys, {
    accountId: ann.accountId,
    deviceId: ann.deviceId,
    fingerprint: fingerprint(p, ann.accountId, p.ed25519PublicKey(content.identitySeed.reveal())),
    createdAt: START,
    handle: "ann",
    displayName: "Ann",
  });
  const asker = { deviceId: IDS.device, signer: ann.signer, name: "new" };
  const asked = await link.sealLinkAsk(p, keys, offer, asker);
  const seen = link.linkTranscript(p, keys, offer, asked.ask, nonce);
  const grant = must(await link.sealLinkGrant(p, keys, asked.ask, seen, content));
  return {
    "link offer": reader(note, (given) => link.openLinkOffer(p, keys, given)),
    "link ask": reader(asked.note, (given) => link.openLinkAsk(p, keys, offer, given)),
    "link show": reader(link.sealLinkShow(p, keys, nonce), (given) =>
      link.openLinkShow(p, keys, offer, given),
    ),
    "link grant": {
      ...reader(grant, (given) => link.openLinkGrant(p, keys, offer, { ...asker, ...asked }, seen, given)),
    },
  };
}

async function sealedByKey({ world, p, ann, bot, conversation, key }: Story) {
  const { accountId, deviceId } = ann;
  const secret = new Secret(key);
  const content = goldenBackupContent();
  const owner = { accountId, generation: 1, version: 1 };
  const method = { kind: "recovery-code", methodId: key.slice(0, 16) } as const;
  const backup = sealBackup(p, secret, owner, content);
  const vault = createVault(p, key);
  const place = { store: "log", key: "1", version: 1 };
  const named = { accountId, deviceId, identitySeed: secret };
  const remarked = { accountId, contactId: bot.accountId, identitySeed: secret };
  const attachmentId = world.messageId() as string as AttachmentId;
  const file = { fileKey: secret, conversationId: conversation.conversationId, attachmentId };
  const plain = world.random(300);
  const { sealed, sha256 } = must(await sealFileBytes(p, file, plain));
  const asked = {
    conversationId: conversation.conversationId,
    senderId: accountId,
    agentId: bot.accountId,
    agentFingerprint: bot.fingerprint,
    artifactId: "a",
    fieldId: "f",
    responseId: "r",
  };
  const cardKey = p.x25519PublicKey(bot.bootstrap.reveal());
  return {
    backup: reader(backup.sealed, (given) => openBackup(p, secret, owner, null, given)),
    "backup content": reader(encodeBackupContent(content), parseBackupContent),
    "backup key": reader(wrapBackupKey(p, secret, owner, method, secret), (given) =>
      openBackupKey(p, secret, owner, method, given),
    ),
    "device name": plainReader(sealDeviceName(p, named, "Laptop"), (given) =>
      openDeviceName(p, named, given),
    ),
    "contact remark": plainReader(sealContactRemark(p, remarked, { name: "Ann", revision: 1 }), (given) =>
      openContactRemark(p, remarked, given),
    ),
    "disk record": plainReader(await vault.seal(place, plain), (given) => vault.open(place, given)),
    "disk key": reader(wrapVaultKey(p, secret, deviceId, secret), (given) =>
      unwrapVaultKey(p, secret, deviceId, given),
    ),
    file: reader(sealed, (given) =>
      openFileBytes(p, { ...file, sizeBytes: plain.length, sha256 }, given),
    ),
    "form secret": plainReader(must(await sealSecret(p, asked, cardKey, "4711")), (given) =>
      openSecret(p, asked, bot.bootstrap, given),
    ),
  };
}

async function history_({ world, p, ann, bot }: Story) {
  const { accountId, deviceId, signer } = ann;
  const slice = {
    accountId,
    fromDeviceId: deviceId,
    toDeviceId: IDS.device,
    sliceId: world.random(16),
    since: START,
    partCount: 1,
    createdAt: START,
  };
  const prekeyOf = cast.prekeyOf(bot);
  const made = must(await history.sealHistoryHead(p, slice, bot.prekeys[1].prekey, signer));
  const signingKeyOf = () => signer.publicKey;
  const us = { accountId, deviceId: IDS.device, signingKeyOf, prekeyOf };
  const part = history.sealHistoryPart(p, slice, made.key, 0, utf8("[]"));
  return {
    "history head": reader(made.head, (given) => history.openHistoryHead(p, given, us)),
    "history part": plainReader(part, (given) =>
      history.openHistoryPart(p, slice, made.key, 0, given),
    ),
  };
}
