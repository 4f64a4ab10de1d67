// A record with its signature behind it: `record || Ed25519(key, ENC(label, H(record)))`. SPEC §5.
import { type Bytes, concat } from "#base/bytes.ts";
import { enc } from "#protocol/encoding.ts";
import type { Signer } from "./identity.ts";
import type { Primitives } from "./primitives.ts";

const SIGNATURE_SIZE_BYTES = 64;

/** What a record's signature covers. */
export const signedBytes = (primitives: Primitives, label: string, record: Bytes): Bytes =>
  enc(label, primitives.sha256(record));

/** The record with its signature behind it. */
export async function signRecord(
  primitives: Primitives,
  label: string,
  record: Bytes,
  signer: Signer,
): Promise<Bytes> {
  return concat(record, await signer.sign(signedBytes(primitives, label, record)));
}

/** Cuts a signed record in two; a record too short for a signature gives an empty one. */
export function splitSigned(bytes: Bytes): { readonly record: Bytes; readonly signature: Bytes } {
  const at = Math.max(0, bytes.length - SIGNATURE_SIZE_BYTES);
  return { record: bytes.slice(0, at), signature: bytes.slice(at) };
}

/** Whether the record is signed by the key, which was accepted when it was pinned. */
export const verifyRecord = (
  primitives: Primitives,
  label: string,
  { record, signature }: { readonly record: Bytes; readonly signature: Bytes },
  publicKey: Bytes,
): Promise<boolean> =>
  primitives.ed25519Verify(publicKey, signedBytes(primitives, label, record), signature);
