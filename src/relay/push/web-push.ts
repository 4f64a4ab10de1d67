/**
 * One notification as a push service takes it: sealed for the browser that subscribed (RFC 8291, aes128gcm of
 * RFC 8188) and signed as ours (RFC 8292). The push service sees a size and a time.
 */
import { createCipheriv, createECDH, createHmac, type ECDH } from "node:crypto";
import { importJWK, SignJWT } from "jose";
import { bytesToBase64Url } from "#base/base64.ts";
import { utf8, type Bytes } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";

/** What a browser gives of itself. Shapes: `publicKey` 65 bytes, uncompressed P-256; `auth` 16 bytes. */
export type PushKeys = { readonly publicKey: Bytes; readonly auth: Bytes };

export interface Vapid {
  /** Uncompressed P-256 point, base64url: `applicationServerKey` of a subscription. */
  readonly publicKey: string;
  /** The `Authorization` header for one push service, good for half a day. */
  authorize(endpoint: string, now: number): Promise<string>;
}

const CURVE = "prime256v1";
const RECORD_BYTES = 4_096;
/** Every notification has the same size, whatever the numbers in it. */
const PADDED_BYTES = 192;
const TOKEN_LIFETIME_S = 43_200;

/** `subject` says who answers for the relay: an https or mailto address. */
export async function createVapid(secret: Secret<Bytes>, subject: string): Promise<Vapid> {
  const key = createECDH(CURVE);
  // The scalar follows from the relay's key, so that subscriptions outlive everything but that.
  key.setPrivateKey(createHmac("sha256", secret.reveal()).update("vapid").digest());
  const point = new Uint8Array(key.getPublicKey());
  const signingKey = await importJWK(
    {
      kty: "EC",
      crv: "P-256",
      d: bytesToBase64Url(new Uint8Array(key.getPrivateKey())),
      x: bytesToBase64Url(point.slice(1, 33)),
      y: bytesToBase64Url(point.slice(33)),
    },
    "ES256",
  );
  const publicKey = bytesToBase64Url(point);
  return {
    publicKey,
    async authorize(endpoint, now) {
      const token = await new SignJWT({})
        .setProtectedHeader({ typ: "JWT", alg: "ES256" })
        .setAudience(new URL(endpoint).origin)
        .setExpirationTime(Math.floor(now / 1_000) + TOKEN_LIFETIME_S)
        .setSubject(subject)
        .sign(signingKey);
      return `vapid t=${token}, k=${publicKey}`;
    },
  };
}

/**
 * Seals a notification for one subscription.
 *
 * Shapes: `salt` 16 bytes; `ephemeral` a key of its own for each call. Null when the browser's key is no point of
 * the curve. Source: RFC 8291 §3.4, RFC 8188 §2.
 */
export function sealPush(
  text: Uint8Array,
  { publicKey, auth }: PushKeys,
  { salt, ephemeral }: { readonly salt: Bytes; readonly ephemeral: ECDH },
  paddedBytes = PADDED_BYTES,
): Bytes | null {
  const ours = ephemeral.getPublicKey();
  let shared: Buffer;
  try {
    shared = ephemeral.computeSecret(publicKey);
  } catch {
    return null;
  }
  const info = Buffer.concat([utf8("WebPush: info\0"), publicKey, ours, Buffer.of(1)]);
  const inputKey = hmac(hmac(auth, shared), info);
  const key = hmac(salt, inputKey);
  const contentKey = hmac(key, utf8("Content-Encoding: aes128gcm\0\x01")).subarray(0, 16);
  const nonce = hmac(key, utf8("Content-Encoding: nonce\0\x01")).subarray(0, 12);
  const cipher = createCipheriv("aes-128-gcm", contentKey, nonce);
  // The delimiter 2 marks the last record; zeros fill it up.
  const padding = Buffer.alloc(Math.max(0, paddedBytes - text.length));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(RECORD_BYTES);
  head.writeUInt8(ours.length, 4);
  return new Uint8Array(
    Buffer.concat([
      salt,
      head,
      ours,
      cipher.update(Buffer.concat([text, Buffer.of(2), padding])),
      cipher.final(),
      cipher.getAuthTag(),
    ]),
  );
}

/** A fresh key pair for one notification. */
export function makeEphemeral(): ECDH {
  const key = createECDH(CURVE);
  key.generateKeys();
  return key;
}

/** Whether bytes can be a browser's key, as far as their shape says. */
export const isPushKeys = ({ publicKey, auth }: PushKeys): boolean =>
  publicKey.length === 65 && publicKey[0] === 4 && auth.length === 16;

const hmac = (key: Uint8Array, input: Uint8Array): Buffer =>
  createHmac("sha256", key).update(input).digest();
