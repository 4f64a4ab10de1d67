/**
 * A recovery code as people write it down: 128 bits and a check, in letters that are hard to take for each other.
 * SPEC C45.
 */
import type { Bytes } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import type { Primitives } from "./primitives.ts";

const CODE_SIZE_BYTES = 16;
/** 28 letters of five bits: 128 bits of code, 12 bits of check. */
const LETTERS = 28;
const GROUP_LETTERS = 4;
/** Without I, L, O and U. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The code in seven groups of four letters. Shapes: `code` 16 bytes. */
export function writeRecoveryCode(p: Primitives, code: Secret<Bytes>): string {
  const checked = withCheck(p, code.reveal());
  const letters = Array.from({ length: LETTERS }, (_, i) => {
    const value = Number((checked >> BigInt((LETTERS - 1 - i) * 5)) & 31n);
    return ALPHABET[value] ?? "";
  }).join("");
  return letters.match(new RegExp(`.{${GROUP_LETTERS}}`, "g"))?.join("-") ?? letters;
}

/** The code of what a person typed; null when a letter is wrong or missing. Case, spaces and look-alikes do not matter. */
export function readRecoveryCode(p: Primitives, typed: string): Secret<Bytes> | null {
  const letters = typed
    .toUpperCase()
    .replaceAll(/[\s-]/g, "")
    .replaceAll("O", "0")
    .replaceAll(/[IL]/g, "1");
  if (letters.length !== LETTERS) return null;
  let value = 0n;
  for (const letter of letters) {
    const digit = ALPHABET.indexOf(letter);
    if (digit < 0) return null;
    value = (value << 5n) | BigInt(digit);
  }
  const bytes = new Uint8Array(CODE_SIZE_BYTES);
  let rest = value >> 12n;
  for (let i = CODE_SIZE_BYTES - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  return withCheck(p, bytes) === value ? new Secret(bytes) : null;
}

function withCheck(p: Primitives, code: Bytes): bigint {
  const [first = 0, second = 0] = p.sha256(code);
  let value = 0n;
  for (const byte of code) value = (value << 8n) | BigInt(byte);
  return (value << 12n) | (BigInt(first) << 4n) | BigInt(second >> 4);
}
