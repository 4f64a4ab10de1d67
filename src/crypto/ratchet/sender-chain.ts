// The writer's end of a chain: one writer, forward only, never stored. SPEC C15.
import type { Bytes } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import type { Primitives } from "../primitives.ts";
import { messageKey, nextChainKey } from "./chain-key.ts";

/** The key of the next message and where it stands. */
export type SenderChain = { readonly index: number; readonly key: Secret<Bytes> };

/** The next message's key, and the chain after it. The caller wipes the key after use. */
export const advanceSender = (
  primitives: Primitives,
  { index, key }: SenderChain,
): { readonly messageKey: Bytes; readonly chain: SenderChain } => ({
  messageKey: messageKey(primitives, key.reveal(), index),
  chain: { index: index + 1, key: new Secret(nextChainKey(primitives, key.reveal())) },
});
