/**
 * Secrets the relay must be able to use again (a hash would not do), sealed under its key file: a copy of the
 * database alone gives none of them away. SPEC §stored.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import type { Bytes } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";

export interface AtRest {
  /** Shapes: 12 bytes nonce, ciphertext, 16 bytes tag. `place` says whose it is and opens nowhere else. */
  seal(place: string, bytes: Uint8Array): Bytes;
  /** Null for what was sealed for another place, or under another key. */
  open(place: string, sealed: Uint8Array): Bytes | null;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function createAtRest(secret: Secret<Bytes>): AtRest {
  const key = createHmac("sha256", secret.reveal()).update("at-rest").digest();
  return {
    seal(place, bytes) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(place));
      const parts = [nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()];
      return new Uint8Array(Buffer.concat(parts));
    },
    open(place, sealed) {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce)
        .setAAD(Buffer.from(place))
        .setAuthTag(sealed.subarray(-TAG_BYTES));
      try {
        const body = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
        return new Uint8Array(Buffer.concat([body, decipher.final()]));
      } catch {
        return null;
      }
    },
  };
}
