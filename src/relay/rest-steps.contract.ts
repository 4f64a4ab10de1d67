/** Steps that tests of the REST paths share, and the opening of a session as the relay sees it. */
import { concat } from "#base/bytes.ts";
import { enc } from "#protocol/encoding.ts";
import { encodeOpenHeader, ENVELOPE_LABELS, wrapSizeBytes } from "#protocol/envelope.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { encodeRecipients } from "#protocol/recipients.ts";
import { hashOf } from "./ledger-head.ts";
import {
  aLedger,
  aLedgerEntry,
  aMessage,
  aRegistration,
  text64,
  type Account,
  type Answer,
  type Person,
  type World,
} from "./relay-world.contract.ts";

/** Base64 of an opening by this sender, for one recipient: itself. */
export function aSessionOpen(
  conversationId: ConversationId,
  sender: Pick<Account, "id" | "deviceId">,
  sid: Uint8Array<ArrayBuffer>,
): string {
  const kid = new Uint8Array(16);
  const list = [{ accountId: sender.id, deviceId: sender.deviceId, kid, mode: "session" as const }];
  const head = encodeOpenHeader({
    suite: 1,
    conversationId,
    sid,
    writer: new Uint8Array(16),
    senderId: sender.id,
    senderDeviceId: sender.deviceId,
    senderFingerprint: new Uint8Array(32),
    accountSeq: 1,
    accountHead: new Uint8Array(32),
    ledgerSeq: 1,
    ledgerHead: new Uint8Array(32),
    previousSid: null,
    createdAt: 0,
    recipientsHash: new Uint8Array(32),
  });
  const wraps = concat(kid, new Uint8Array(wrapSizeBytes(1)));
  return text64(
    enc(ENVELOPE_LABELS.sessionOpen, head, encodeRecipients(list), wraps, new Uint8Array(64)),
  );
}

/** The status of an answer, or the code of a refusal. */
export const codeOf = ({ status, body }: Answer): unknown =>
  status < 300 ? status : body.error.code;

/** Sends a fresh message by REST. */
export function sendByRest(
  world: World,
  person: Account,
  conversation: ConversationId,
): Promise<Answer> {
  const { conversation_id: _inPath, type: _implied, ...body } = aMessage(conversation, person);
  return world.rest("POST", `/conversations/${conversation}/messages`, person.token, body);
}

/** A person with an agent of the operator's, in one conversation. */
export async function aPersonWithAnAgent(world: World) {
  const ada = await world.person("ada");
  const echo = await world.agent();
  const conversation = await world.invite(ada, echo.inviteCode);
  return { world, ada, echo, conversation };
}

/** The same person on a second device, which the first one admitted; it signed in by its own key. */
export async function aSecondDevice(world: World, person: Person): Promise<Person> {
  const head = aLedger(0, person.id, 2)[1] ?? null;
  const { request, deviceKey } = aRegistration("second");
  const { device_id, signing_public_key } = request.device;
  const certificate = text64(aLedgerEntry(0, person.id, 2, head));
  const admitted = await world.rest("POST", "/users/me/admissions", person.token, {
    device: { device_id, signing_public_key, certificate },
    ledger_seq: 2,
    prev_hash: text64(hashOf(head ?? new Uint8Array())),
  });
  if (admitted.status !== 200) throw new Error(JSON.stringify(admitted.body));
  const second = { ...person, deviceId: device_id, deviceKey };
  await world.renew(second);
  return second;
}
