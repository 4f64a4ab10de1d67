/**
 * The name a person gives a contact, sealed so that the relay can keep it for the person's devices without learning the
 * name, its length or whether there is one. SPEC C64.
 */
import { concat, utf8, utf8ToText, wipe, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import type { Secret } from "#base/secret.ts";
import { enc, readUnsigned, splitFixed, u16, u64 } from "#protocol/encoding.ts";
import { uuidToBytes, type AccountId } from "#protocol/ids.ts";
import { SEALED_REMARK_BYTES } from "#protocol/limits.ts";

import { LABEL } from "./labels.ts";
import type { Primitives } from "./primitives.ts";

const NONCE_SIZE_BYTES = 24;
const TAG_SIZE_BYTES = 16;
const ROOM_SIZE_BYTES = SEALED_REMARK_BYTES - NONCE_SIZE_BYTES - TAG_SIZE_BYTES - 8 - 2;

/** Who names whom, and the seed that every device of the person holds. Shapes: `identitySeed` 32 bytes. */
export type RemarkOwner = {
  readonly accountId: AccountId;
  readonly contactId: AccountId;
  readonly identitySeed: Secret<Bytes>;
};

/** `name` empty: taken back. Of two the one with the higher `revision` counts; 1 to 2^53 - 1. */
export type ContactRemark = { readonly name: string; readonly revision: number };

/** Shapes: nonce 24 bytes, then the ciphertext; {@link SEALED_REMARK_BYTES} in all. `name`: at most 256 bytes of UTF-8. */
export function sealContactRemark(
  p: Primitives,
  owner: RemarkOwner,
  { name, revision }: ContactRemark,
): Bytes {
  const text = utf8(name);
  assert(text.length <= ROOM_SIZE_BYTES, "a remark fits its room");
  const room = new Uint8Array(ROOM_SIZE_BYTES);
  room.set(text);
  const key = remarkKey(p, owner);
  const nonce = p.randomBytes(NONCE_SIZE_BYTES);
  const plain = concat(u64(revision), u16(text.length), room);
  const sealed = p.xchachaSeal(key, nonce, remarkAad(owner), plain);
  wipe(key);
  return concat(nonce, sealed);
}

/** The remark, or null when it was not sealed by this person about this contact. */
export function openContactRemark(
  p: Primitives,
  owner: RemarkOwner,
  sealed: Bytes,
): ContactRemark | null {
  if (sealed.length !== SEALED_REMARK_BYTES) return null;
  const key = remarkKey(p, owner);
  const nonce = sealed.slice(0, NONCE_SIZE_BYTES);
  const plain = p.xchachaOpen(key, nonce, remarkAad(owner), sealed.slice(NONCE_SIZE_BYTES));
  wipe(key);
  return plain === null ? null : parseRemark(plain);
}

function parseRemark(plain: Bytes): ContactRemark | null {
  const parts = splitFixed(plain, [8, 2, ROOM_SIZE_BYTES]);
  if (parts === null) return null;
  const [revision, length] = [readUnsigned(parts[0]), readUnsigned(parts[1])];
  const room = parts[2];
  if (revision === null || revision === 0 || length === null || length > room.length) return null;
  if (room.subarray(length).some((byte) => byte !== 0)) return null;
  const name = utf8ToText(room.subarray(0, length));
  return name === null ? null : { name, revision };
}

function remarkKey(p: Primitives, { accountId, identitySeed }: RemarkOwner): Bytes {
  const account = uuidToBytes(accountId);
  const prk = p.hkdfExtract(account, identitySeed.reveal());
  const key = p.hkdfExpand(prk, enc(LABEL.contactRemarkKey, account), 32);
  wipe(prk);
  return key;
}

const remarkAad = ({ accountId, contactId }: RemarkOwner): Bytes =>
  enc(LABEL.contactRemark, uuidToBytes(accountId), uuidToBytes(contactId));
