import { createHash } from "node:crypto";

/** Whether `hash` is the SHA-256 of `bytes`, as it was written beside them. */
export const isHashOf = (hash: Uint8Array | null, bytes: Uint8Array): boolean =>
  hash !== null && createHash("sha256").update(bytes).digest().equals(hash);
