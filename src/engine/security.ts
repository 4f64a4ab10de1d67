/** Who can read a conversation and since when, and whether a person compared keys. */
import { fingerprintText } from "#base/fingerprint-text.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { EngineCalls } from "#bridge/calls.ts";
import type { SecurityView } from "#bridge/views.ts";
import { fingerprint } from "#crypto/identity.ts";
import { currentDeviceKey, currentDevices } from "#crypto/ledger/account-state.ts";
import { safetyNumber } from "#crypto/safety-number.ts";
import type { Entry } from "#peer/endpoint.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { changeIn } from "./conversations/conversation-view.ts";
import type { EngineFailure } from "./failure.ts";
import { scanLog } from "./log-scan.ts";
import type { Session } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** What the ledger says of readers, and the newest messages of how they were sealed. */
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
  const sealings = await newestSealings(session, conversationId);
  const [newest] = sealings;
  const isStateless = readers.some((reader) => reader.isStateless);
  return ok({
    conversationId,
    encryption: newest?.mode ?? (isStateless ? "envelope" : "session"),
    suite: sealings.some(({ suite }) => suite !== 2) ? "x25519" : "x-wing",
    reduced: newest === undefined ? isStateless : sealings.some(({ reduced }) => reduced),
    since: conversation.createdAt,
    ledgerSeq: ledger.seq,
    readers,
  });
}

/**
 * Says that this person compared keys, or did not; comparing settles a changed key as well.
 * Fails with `peer/key-changed` when the key is not the one whose number was shown.
 */
export async function setVerified(
  session: Session,
  input: Parameters<EngineCalls["setVerified"]>[0],
): Answer<null> {
  const { people, endpoint, deps } = session;
  const { accountId, verified } = input;
  const person = people.get(accountId);
  if (input.verified) {
    const account = await endpoint.account(accountId);
    if (!account.ok) return account;
    const held = fingerprint(deps.primitives, accountId, account.value.identityKey);
    if (fingerprintText(held) !== input.fingerprintText)
      return err({ kind: "peer/key-changed", accountId });
    const pinned = person?.isChanged === true ? await endpoint.pin(accountId, held) : account;
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

/** How the newest own message and the newest of somebody else were sealed, newest first: each way may be the weaker. */
async function newestSealings({ store, selfId }: Session, conversationId: ConversationId) {
  const byWay = new Map<boolean, Extract<Entry["content"], { readonly kind: "message" }>>();
  let looked = 0;
  for await (const { authorId, content } of scanLog(store, conversationId)) {
    if (content.kind === "message" && !byWay.has(authorId === selfId))
      byWay.set(authorId === selfId, content);
    if (byWay.size === 2 || ++looked >= LOOK_BACK) break;
  }
  return [...byWay.values()];
}

/** Rows behind which an older way of sealing says little of now. */
const LOOK_BACK = 500;
