/**
 * A platform whose WebCrypto lacks the three primitives that may run natively, as older browsers do: set up for the
 * suites that run once more on noble. Programs that a suite starts are told by the SDK's own switch.
 */
import { expect } from "vitest";
import { systemRandom } from "../../src/base/random.ts";
import { createPrimitives } from "../../src/crypto/primitives.ts";

const LACKING = new Set(["Ed25519", "X25519", "AES-GCM"]);
const { importKey } = SubtleCrypto.prototype;

Object.defineProperty(crypto.subtle, "importKey", {
  // A relay in the same process keeps what it signs its tokens with.
  value: async (...request: Parameters<SubtleCrypto["importKey"]>) => {
    const algorithm = request[2];
    const name = typeof algorithm === "string" ? algorithm : algorithm.name;
    if (LACKING.has(name)) throw new DOMException(name, "NotSupportedError");
    return importKey.apply(crypto.subtle, request);
  },
});
process.env["HASHEE_CRYPTO"] = "noble";

const { native } = await createPrimitives({ random: systemRandom });
expect(native).toEqual({ ed25519: false, x25519: false, aesGcm: false });
