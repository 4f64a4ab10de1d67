/** Where an agent's long-lived keys come from: options or environment, then the vault, then chance. SPEC §keys. */
import { bytesToBase64 } from "#base/base64.ts";
import { Secret } from "#base/secret.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { GeneratedKeys, RawKeys, SettledOptions } from "../options.ts";
import { loadIdentity, saveIdentity } from "./key-vault.ts";
import type { VaultFolder } from "./vault-folder.ts";

/**
 * The keys, made and kept when there were none. `onKeyGenerated` is awaited before this returns, so nothing is
 * registered that its owner has not kept. Two processes that start at once end with the same keys.
 */
export async function settleKeys(
  options: Pick<SettledOptions, "keys" | "onKeyGenerated">,
  vault: VaultFolder,
  primitives: Primitives,
): Promise<RawKeys> {
  if (options.keys !== null) return options.keys;
  return vault.exclusively(async () => {
    const kept = await loadIdentity(vault);
    if (kept !== null) return kept;
    const made: RawKeys = {
      privateKey: new Secret(primitives.randomBytes(32)),
      signingPrivateKey: new Secret(primitives.randomBytes(32)),
    };
    await options.onKeyGenerated?.(keysToText(made, primitives));
    await saveIdentity(vault, made);
    return made;
  });
}

function keysToText(keys: RawKeys, primitives: Primitives): GeneratedKeys {
  const privateKey = keys.privateKey.reveal();
  const signingPrivateKey = keys.signingPrivateKey.reveal();
  return {
    privateKey: bytesToBase64(privateKey),
    signingPrivateKey: bytesToBase64(signingPrivateKey),
    publicKey: bytesToBase64(primitives.x25519PublicKey(privateKey)),
    signingPublicKey: bytesToBase64(primitives.ed25519PublicKey(signingPrivateKey)),
  };
}
