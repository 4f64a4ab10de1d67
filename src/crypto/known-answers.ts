/**
 * Known answers that a native primitive must give before it replaces noble: valid, invalid,
 * small-order and non-canonical input, with the verdict of SPEC C13, C14 for each. SPEC C42.
 */
import { equalBytes, hexToBytes, utf8, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";

const hex = (text: string): Bytes => {
  const bytes = hexToBytes(text);
  assert(bytes !== null, "known answers are hexadecimal");
  return bytes;
};

// RFC 8032 §7.1, test 2.
const SEED = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
const PUBLIC_KEY = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
const MESSAGE = hex("72");
const SIGNATURE = hex(
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
);
// Made with the same seed over the same message; each but the last would pass some verifier.
const REFUSED_SIGNATURES = {
  sPlusL: hex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "f52db7415978abc61b2c2eb6aeebfca0387b2eaeb4302aeeb00d291612bb0c10",
  ),
  mixedOrderR: hex(
    "8845bd18e13b96c988ab4af3822496d7b8e4306bafef9545b0d4da323e539475" +
      "b611fb7109963b7f1ed75850538693e5c7c343f1d4c34946a0839e2085369901",
  ),
  smallOrderR: hex(
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05" +
      "9c9934141e47f875e3e839a617afc33b742b807c24040fcb899c123dc1987901",
  ),
  nonCanonicalR: hex(
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" +
      "0a0403c78756704394a791302d07acbdf846e02e6371010b73f9c021313bde01",
  ),
  otherS: hex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "095ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ),
} as const;

/** Whether `verify` gives the verdict of SPEC C13 on every known signature. */
export async function passesEd25519VerifyAnswers(
  verify: (publicKey: Bytes, message: Bytes, signature: Bytes) => Promise<boolean>,
): Promise<boolean> {
  if (!(await verify(PUBLIC_KEY, MESSAGE, SIGNATURE))) return false;
  for (const refused of Object.values(REFUSED_SIGNATURES)) {
    if (await verify(PUBLIC_KEY, MESSAGE, refused)) return false;
  }
  return !(await verify(PUBLIC_KEY, utf8("another message"), SIGNATURE));
}

/** Whether `sign` gives the one signature of RFC 8032. */
export async function passesEd25519SignAnswers(
  sign: (seed: Bytes, message: Bytes) => Promise<Bytes>,
): Promise<boolean> {
  return equalBytes(await sign(SEED, MESSAGE), SIGNATURE);
}

// RFC 7748 §6.1, then the same private key with public keys that need care.
const X25519_PRIVATE = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");

/** Whether `x25519` reduces public keys, ignores their top bit and refuses small orders. */
export async function passesX25519Answers(
  x25519: (privateKey: Bytes, publicKey: Bytes) => Promise<Bytes | null>,
): Promise<boolean> {
  for (const { publicKey, shared } of X25519_ANSWERS) {
    const result = await x25519(X25519_PRIVATE, publicKey);
    if (shared === null ? result !== null : result === null || !equalBytes(result, shared))
      return false;
  }
  return true;
}

const X25519_ANSWERS: readonly { readonly publicKey: Bytes; readonly shared: Bytes | null }[] = [
  {
    publicKey: hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
    shared: hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"),
  },
  // The same with the top bit set, which does not count.
  {
    publicKey: hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882bcf"),
    shared: hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"),
  },
  // `u` = p + 3, not canonical.
  {
    publicKey: hex("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    shared: hex("2b6282a3a5aa1380b79d8ed2f73811f182e35e17e25a86d23c4d2f65713a6b7f"),
  },
  // Small orders, the last a second spelling of zero.
  {
    publicKey: hex("0000000000000000000000000000000000000000000000000000000000000000"),
    shared: null,
  },
  {
    publicKey: hex("0100000000000000000000000000000000000000000000000000000000000000"),
    shared: null,
  },
  {
    publicKey: hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    shared: null,
  },
  {
    publicKey: hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    shared: null,
  },
  {
    publicKey: hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    shared: null,
  },
  {
    publicKey: hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    shared: null,
  },
];

const AES_KEY = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
const AES_NONCE = hex("202122232425262728292a2b");
const AES_AAD = utf8("head");
const AES_PLAIN = utf8("known answer");
const AES_SEALED = hex("b954c90702b87b60690b27bcf871f770c194295f54ee67d29d4daff0");

type AesGcmLike = {
  seal(nonce: Bytes, aad: Bytes, plain: Bytes): Promise<Bytes>;
  open(nonce: Bytes, aad: Bytes, sealed: Bytes): Promise<Bytes | null>;
};

/** Whether AES-256-GCM seals to the known bytes, opens them, and refuses other bytes or context. */
export async function passesAesGcmAnswers(
  importKey: (key: Bytes) => Promise<AesGcmLike>,
): Promise<boolean> {
  const key = await importKey(AES_KEY);
  const sealed = await key.seal(AES_NONCE, AES_AAD, AES_PLAIN);
  const opened = await key.open(AES_NONCE, AES_AAD, AES_SEALED);
  const tampered = Uint8Array.from(AES_SEALED, (byte, at) => (at === 0 ? byte ^ 1 : byte));
  return (
    equalBytes(sealed, AES_SEALED) &&
    opened !== null &&
    equalBytes(opened, AES_PLAIN) &&
    (await key.open(AES_NONCE, AES_AAD, tampered)) === null &&
    (await key.open(AES_NONCE, utf8("tail"), AES_SEALED)) === null
  );
}
