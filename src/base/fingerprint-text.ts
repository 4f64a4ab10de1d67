import { bytesToHex, type Bytes } from "./bytes.ts";

/** A fingerprint for the eye: sixteen groups of four hexadecimal digits. */
export const fingerprintText = (fingerprint: Bytes): string =>
  bytesToHex(fingerprint)
    .toUpperCase()
    .replaceAll(/(.{4})(?=.)/g, "$1 ");
