/** Who can read a conversation and since when, and whether a person compared keys. */
import { err, ok, type Result } from "#base/result.ts";
import type { SecurityView } from "#bridge/views.ts";
import { fingerprint } from "#crypto/identity.ts";
import { currentDeviceKey, currentDevices } from "#crypto/ledger/account-state.ts";
import { safetyNumber } from "#crypto/safety-number.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { changeIn } from "./conversations/conversation-view.ts";
import type { EngineFailure } from "./failure.ts";
import { fingerprintText } from "./invite-link.ts";
import { scanLog } from "./log-scan.ts";
import type { Session } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** What the ledger says of readers, and the newest message of how it was sealed. */
export async function describeSecurity(
  session: Session,
  { conversationId }: { readonly conversationId: ConversationId },
): Answer<SecurityView> {
  const { book, endpoint } = session;
  const conversation = book.get(conversationId);
  const ledger = await endpoint.ledger(conversationId);
  if (conversation === null || ledger === null) return err({ kind: "engine/unknown-conversation" });
  const own = await endpoint.account(session.selfId);
  if (!own.ok) return own;
  const readers = await Promise.all(
    [...ledger.members.keys()].map((id) =>
      viewReader(session, id, ledger.members.get(id)?.kind ?? "human", own.value.identityKey),
    ),
  );
  const sealing = await newestSealing(session, conversationId);
  const isStateless = readers.some((reader) => reader.isStateless);
  return ok({
    conversationId,
    encryption: sealing?.mode ?? (isStateless ? "envelope" : "session"),
    suite: (sealing?.suite ?? 2) === 2 ? "x-wing" : "x25519",
    reduced: sealing?.reduced ?? isStateless,
    since: conversation.createdAt,
    ledgerSeq: ledger.seq,
    readers,
  });
}

/** Says that this person compared keys, or did not; comparing settles a changed key as well. */
export async function setVerified(
  session: Session,
  { accountId, verified }: { readonly accountId: AccountId; readonly verified: boolean },
): Answer<null> {
  const { people, endpoint } = session;
  const person = people.get(accountId);
  if (verified && person?.isChanged === true) {
    const pinned = await endpoint.pin(accountId, null);
    if (!pinned.ok) return pinned;
  }
  await people.note({
    id: accountId,
    kind: person?.kind ?? "human",
    isVerified: verified,
    isChanged: verified ? false : (person?.isChanged ?? false),
  });
  return ok(null);
}

/** Goes on with a changed key without comparing it: sending is free again, the contact counts as not verified. */
export async function acceptKey(
  { people, endpoint }: Session,
  { accountId }: { readonly accountId: AccountId },
): Answer<null> {
  const person = people.get(accountId);
  if (person?.isChanged !== true) return ok(null);
  const pinned = await endpoint.pin(accountId, null);
  if (!pinned.ok) return pinned;
  await people.note({ id: accountId, kind: person.kind, isVerified: false, isChanged: false });
  return ok(null);
}

async function viewReader(
  { endpoint, people, selfId, deps, account }: Session,
  id: AccountId,
  kind: "human" | "agent",
  ownKey: Parameters<typeof fingerprint>[2],
): Promise<SecurityView["readers"][number]> {
  const theirs = await endpoint.account(id);
  const isSelf = id === selfId;
  const key = theirs.ok ? theirs.value.identityKey : null;
  const safety =
    isSelf || key === null ? null : safetyNumber(deps.primitives, selfId, ownKey, id, key);
  return {
    id,
    name: isSelf ? account().record.displayName : people.nameOf(id),
    kind,
    isSelf,
    isStateless: theirs.ok && theirs.value.mode === "envelope",
    deviceCount: theirs.ok ? currentDevices(theirs.value).length : 0,
    trust: isSelf ? "verified" : people.trustOf(id),
    ...changeIn(people, id),
    fingerprintText: key === null ? "" : shown(deps.primitives, id, key),
    safetyNumber: safety?.groups ?? [],
    safetyCode: [...(safety?.qr ?? [])],
    devices:
      theirs.ok && kind === "human"
        ? currentDevices(theirs.value).flatMap((deviceId) => {
            const deviceKey = currentDeviceKey(theirs.value, deviceId);
            return deviceKey === null
              ? []
              : { id: deviceId, fingerprintText: shown(deps.primitives, id, deviceKey) };
          })
        : [],
  };
}

const shown = (...of: Parameters<typeof fingerprint>): string =>
  fingerprintText(fingerprint(...of));

async function newestSealing({ store }: Session, conversationId: ConversationId) {
  for await (const { content } of scanLog(store, conversationId)) {
    if (content.kind === "message") return content;
  }
  return null;
}
