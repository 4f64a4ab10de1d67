/**
 * Passkeys as the browser has them: WebAuthn runs on the page, and the secret it gives goes to the worker and is gone
 * here. The relay is no party to it, so the challenge is nobody's and the answer's signature is not looked at.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { utf8 } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { BridgeFailure, PasskeyInput } from "./views.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Answer<Value> = Promise<Result<Value, BridgeFailure>>;

export interface PasskeyDevice {
  /** Whether passkeys here come with a secret (the PRF extension). */
  isAvailable(): Promise<boolean>;
  /**
   * Makes a passkey. Fails with `stores/passkey-cancelled`, and with `stores/passkey-without-secret` where the chosen
   * authenticator has none to give.
   */
  make(account: {
    readonly userHandle: Bytes;
    /** Base64 of passkeys that are there already. */
    readonly excludeIds: readonly string[];
    readonly handle: string;
    readonly displayName: string;
  }): Answer<PasskeyInput>;
  /** Uses one of these passkeys, base64; any of this site where none is named. Fails as {@link make} does. */
  use(ids: readonly string[]): Answer<PasskeyInput & { readonly userHandle: Bytes }>;
}

/** What every passkey is asked for: fixed, so that a browser that knows nothing can ask for the same. */
const PRF_INPUT = utf8("parley/1/passkey");
const ALGORITHMS = [-8, -7, -257] as const;

/** Where no passkeys are to be had. */
export const absentPasskeys: PasskeyDevice = {
  isAvailable: async () => false,
  make: async () => err({ kind: "stores/passkey-without-secret" }),
  use: async () => err({ kind: "stores/passkey-without-secret" }),
};

/** The browser's own passkeys; absent where they come without a secret. */
export function createPasskeyDevice(window: Window & typeof globalThis): PasskeyDevice {
  const { PublicKeyCredential } = window;
  if (PublicKeyCredential === undefined) return absentPasskeys;
  const { credentials } = window.navigator;
  const use: PasskeyDevice["use"] = async (ids) => {
    const found = await attempt(() =>
      credentials.get({
        publicKey: {
          challenge: window.crypto.getRandomValues(new Uint8Array(32)),
          rpId: window.location.hostname,
          allowCredentials: ids.map(credentialOf),
          userVerification: "required",
          extensions: { prf: { eval: { first: PRF_INPUT } } },
        },
      }),
    );
    if (!found.ok) return found;
    const output = outputOf(found.value);
    if (output === null) return err({ kind: "stores/passkey-without-secret" });
    const { userHandle } = found.value.response as AuthenticatorAssertionResponse;
    return ok({ ...output, userHandle: new Uint8Array(userHandle ?? new ArrayBuffer(0)) });
  };
  return {
    async isAvailable() {
      const capabilities = await PublicKeyCredential.getClientCapabilities?.();
      return capabilities?.["extension:prf"] === true;
    },
    async make({ userHandle, excludeIds, handle, displayName }) {
      const made = await attempt(() =>
        credentials.create({
          publicKey: {
            challenge: window.crypto.getRandomValues(new Uint8Array(32)),
            rp: { id: window.location.hostname, name: "Parley" },
            user: { id: userHandle, name: handle, displayName },
            pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
            excludeCredentials: excludeIds.map(credentialOf),
            authenticatorSelection: { residentKey: "required", userVerification: "required" },
            attestation: "none",
            extensions: { prf: { eval: { first: PRF_INPUT } } },
          },
        }),
      );
      if (!made.ok) return made;
      if (made.value.getClientExtensionResults().prf?.enabled !== true)
        return err({ kind: "stores/passkey-without-secret" });
      const output = outputOf(made.value);
      // Many give the secret only when the passkey is used.
      return output === null ? use([bytesToBase64(new Uint8Array(made.value.rawId))]) : ok(output);
    },
    use,
  };
}

const credentialOf = (id: string): PublicKeyCredentialDescriptor => ({
  type: "public-key",
  id: base64ToBytes(id) ?? new Uint8Array(),
});

function outputOf(credential: PublicKeyCredential): PasskeyInput | null {
  const first = credential.getClientExtensionResults().prf?.results?.first;
  if (first === undefined) return null;
  const prfOutput =
    first instanceof ArrayBuffer
      ? new Uint8Array(first)
      : new Uint8Array(first.buffer as ArrayBuffer, first.byteOffset, first.byteLength);
  return { credentialId: new Uint8Array(credential.rawId), prfOutput };
}

// The browser says no more than "not allowed", whether the person closed its window or waited too long.
async function attempt(ask: () => Promise<Credential | null>): Answer<PublicKeyCredential> {
  try {
    const credential = await ask();
    return credential === null
      ? err({ kind: "stores/passkey-cancelled" })
      : ok(credential as PublicKeyCredential);
  } catch (fault) {
    const isThere = fault instanceof DOMException && fault.name === "InvalidStateError";
    return err({ kind: isThere ? "stores/passkey-already-there" : "stores/passkey-cancelled" });
  }
}
