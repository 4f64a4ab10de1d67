// The sender-session chain: one step forward is one HMAC, no step leads back. SPEC §5.2.
import { type Bytes, concat } from "#base/bytes.ts";
import { u32, u8 } from "#protocol/encoding.ts";
import type { Primitives } from "../primitives.ts";

/** `CK_0`: bound to the open it came with. Shapes: `openHash` 32, `seed` 32 bytes. */
export const rootChainKey = (primitives: Primitives, openHash: Bytes, seed: Bytes): Bytes =>
  primitives.hkdfExtract(openHash, seed);

/** `MK_i`: the key of one message's session wrap. */
export const messageKey = (primitives: Primitives, chainKey: Bytes, index: number): Bytes =>
  primitives.hmacSha256(chainKey, concat(u8(1), u32(index)));

/** `CK_{i+1}`. */
export const nextChainKey = (primitives: Primitives, chainKey: Bytes): Bytes =>
  primitives.hmacSha256(chainKey, u8(2));
