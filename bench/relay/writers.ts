/** People who write as fast as the relay answers: registered for real, envelopes of 1 KiB whose content nobody opens. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import WebSocket from "ws";
import { base64UrlToBytes } from "../../src/base/base64.ts";
import { concat, type Bytes } from "../../src/base/bytes.ts";
import { systemRandom } from "../../src/base/random.ts";
import { enc, u64, u8 } from "../../src/protocol/encoding.ts";
import { encodeMessageHeader, ENVELOPE_LABELS } from "../../src/protocol/envelope.ts";
import {
  makeId,
  uuidToBytes,
  type AccountId,
  type ConversationId,
  type DeviceId,
  type MessageId,
  type UserId,
} from "../../src/protocol/ids.ts";
import { hashOf, NO_HASH } from "../../src/relay/ledger-head.ts";

const BODY_BYTES = 1_024;
const text64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const freshId = <Id extends string>(): Id =>
  makeId<MessageId>(Date.now(), systemRandom) as string as Id;

export type Writer = {
  readonly id: UserId;
  readonly deviceId: DeviceId;
  readonly token: string;
  readonly conversationId: ConversationId;
};

/** Registers a person and lets them accept the invite of an agent. */
export async function makeWriter(url: string, inviteCode: string): Promise<Writer> {
  const [id, deviceId] = [freshId<UserId>(), freshId<DeviceId>()];
  const jwk = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const ledger = makeLedger(0, id).map(text64);
  const tokens = await post(url, "/auth/register", null, {
    user_id: id,
    handle: `writer_${randomBytes(6).toString("hex")}`,
    display_name: "writer",
    auth_key: null,
    argon2_salt: null,
    argon2_params: null,
    identity_key: text64(randomBytes(32)),
    account_ledger: ledger,
    device: {
      device_id: deviceId,
      signing_public_key: text64(base64UrlToBytes(jwk.x ?? "") ?? new Uint8Array()),
      certificate: ledger[1],
    },
    backup: null,
  });
  const token = String(tokens["access_token"]);
  const conversationId = freshId<ConversationId>();
  await post(url, `/invites/${inviteCode}/accept`, token, {
    conversation_id: conversationId,
    ledger: makeLedger(1, conversationId).map(text64),
    granted_scopes: [],
  });
  return { id, deviceId, token, conversationId };
}

/** Keeps `inFlight` messages under way until the time is over; how many were acknowledged. */
export async function write(
  url: string,
  writer: Writer,
  inFlight: number,
  durationMs: number,
): Promise<number> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/human`, { origin: url });
  const said = (type: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const hear = (bytes: WebSocket.RawData): void => {
        if ((JSON.parse((bytes as Buffer).toString()) as { type: string }).type !== type) return;
        socket.off("message", hear);
        resolve();
      };
      socket.on("message", hear);
      socket.once("close", (code) => reject(new Error(`the relay closed with ${code}`)));
    });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  const welcomed = said("auth.ok");
  socket.send(JSON.stringify({ type: "auth", token: writer.token }));
  await welcomed;
  const level = said("resume.ok");
  socket.send(JSON.stringify({ type: "resume", log_epoch: null, cursors: null }));
  await level;
  let [acked, isOver] = [0, false];
  const done = new Promise<void>((resolve, reject) => {
    let open = 0;
    const send = (): void => {
      open += 1;
      socket.send(JSON.stringify(makeMessage(writer)));
    };
    socket.on("message", (bytes) => {
      const frame = JSON.parse((bytes as Buffer).toString()) as { type: string; code?: string };
      if (frame.type === "error") reject(new Error(frame.code));
      if (frame.type !== "message.ack") return;
      open -= 1;
      if (!isOver) {
        acked += 1;
        send();
      } else if (open === 0) resolve();
    });
    for (let i = 0; i < inFlight; i++) send();
  });
  setTimeout(() => {
    isOver = true;
  }, durationMs);
  await done;
  socket.close(1000);
  return acked;
}

function makeMessage({ id, deviceId, conversationId }: Writer) {
  const messageId = freshId<MessageId>();
  const header = encodeMessageHeader({
    suite: 1,
    hasSessionWrap: true,
    hasEnvelopeWraps: false,
    conversationId,
    messageId,
    senderId: id,
    senderDeviceId: deviceId,
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
  const none = new Uint8Array();
  const parts = [header, none, new Uint8Array(72), none, new Uint8Array(104 + BODY_BYTES)];
  return {
    type: "message.send",
    conversation_id: conversationId,
    client_message_id: messageId,
    encrypted_payload: text64(enc(ENVELOPE_LABELS.envelope, ...parts)),
  };
}

function makeLedger(scope: 0 | 1, id: AccountId | ConversationId): Bytes[] {
  const zero = new Uint8Array(16);
  const entries: Bytes[] = [];
  for (let seq = 0; seq < 2; seq++) {
    const before = entries.at(-1);
    const prevHash = before === undefined ? NO_HASH : hashOf(before);
    const record = enc(
      "grant",
      ...[u8(scope), uuidToBytes(id), u64(seq), prevHash, zero, zero],
      ...[u8(1), zero, zero, u64(0), u64(0)],
    );
    entries.push(concat(record, new Uint8Array(64)));
  }
  return entries;
}

async function post(
  url: string,
  path: string,
  token: string | null,
  body: unknown,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { data?: Record<string, unknown> };
  if (answer.data === undefined) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer.data;
}
