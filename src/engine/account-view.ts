import type { AccountView } from "#bridge/views.ts";
import { fingerprint } from "#crypto/identity.ts";
import { keysOf } from "./account-keys.ts";
import type { OpenAccount } from "./account-vault.ts";
import type { EngineDeps } from "./deps.ts";
import { personLink } from "./invite-link.ts";
import type { Greeting } from "./store/door.ts";

/** Which of the app's doors is open. */
export function viewAccount(
  state:
    | { readonly status: "none" }
    | { readonly status: "locked"; readonly greeting: Greeting }
    | { readonly status: "open"; readonly account: OpenAccount },
  deps: EngineDeps,
  storagePersisted: boolean,
): AccountView {
  if (state.status === "none") return { status: "none" };
  if (state.status === "locked") {
    const { displayName, handle, passkeys = [] } = state.greeting;
    const passkeyIds = passkeys.map(({ credentialId }) => credentialId);
    return { status: "locked", displayName, handle, passkeyIds };
  }
  const { record, hasLock } = state.account;
  const { identity } = keysOf(deps.primitives, record);
  const own = fingerprint(deps.primitives, record.userId, identity.publicKey);
  return {
    status: "open",
    userId: record.userId,
    deviceId: record.deviceId,
    handle: record.handle,
    displayName: record.displayName,
    hasPassword: record.hasPassword,
    mayReplacePassword: record.wayIn != null,
    canLock: hasLock,
    lockAfterMinutes: record.lockAfterMinutes ?? null,
    inviteUrl: personLink(deps.origin, record.handle, own),
    storagePersisted,
  };
}
