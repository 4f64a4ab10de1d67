/** Names of records on disk: keyed hashes, so that no id, table or conversation can be read off them. */
import { bytesToBase64Url } from "#base/base64.ts";
import { utf8, wipe, type Bytes } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";
import { enc } from "#protocol/encoding.ts";
import { LABEL } from "#crypto/labels.ts";
import type { Primitives } from "#crypto/primitives.ts";

export interface SealedNames {
  /** Shapes: 22 characters, 128 bits of a keyed hash over all parts. */
  name(...parts: readonly string[]): string;
  /** Forgets the key; no name can be made after that. */
  close(): void;
}

/** Creates the names of one vault. */
export function createSealedNames(
  primitives: Pick<Primitives, "hkdfExpand" | "hmacSha256">,
  vaultKey: Secret<Bytes>,
): SealedNames {
  const key = primitives.hkdfExpand(vaultKey.reveal(), enc(LABEL.vaultNameKey), 32);
  const known = new Map<string, string>();
  return {
    name(...parts) {
      const text = parts.join("\0");
      const made =
        known.get(text) ??
        bytesToBase64Url(
          primitives.hmacSha256(key, enc(LABEL.vaultName, ...parts.map(utf8))).subarray(0, 16),
        );
      if (known.size > 20_000) known.clear();
      known.set(text, made);
      return made;
    },
    close() {
      wipe(key);
      known.clear();
    },
  };
}
