import { expect, test } from "vitest";
import { assert } from "#base/invariant.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { parseId, type AccountId, type ConversationId } from "#protocol/ids.ts";
import { createPrimitives } from "./primitives.ts";
import { openSecret, sealSecret, type SecretPlace } from "./secret-seal.ts";

const id = <Id>(last: string) => parseId(`00000000-0000-7000-8000-0000000000${last}`) as Id;
const primitives = await createPrimitives({ random: createSeededRandom(46) });
const key = new Secret(primitives.randomBytes(32));
const cardKey = primitives.x25519PublicKey(key.reveal());
const place: SecretPlace = {
  conversationId: id<ConversationId>("c1"),
  senderId: id<AccountId>("a1"),
  agentId: id<AccountId>("b1"),
  agentFingerprint: primitives.randomBytes(32),
  artifactId: "form",
  fieldId: "pin",
  responseId: "answer",
};
const sealed = async (text: string) => {
  const result = await sealSecret(primitives, place, cardKey, text);
  assert(result.ok, "it seals");
  return result.value;
};

test("[C46] a secret opens for the agent's key, in its own field, card and answer, and nowhere else", async () => {
  const bytes = await sealed("hunter2 密");

  expect(await openSecret(primitives, place, key, bytes)).toBe("hunter2 密");
  for (const other of [
    { conversationId: id<ConversationId>("c2") },
    { senderId: id<AccountId>("a2") },
    { agentId: id<AccountId>("b2") },
    { agentFingerprint: primitives.randomBytes(32) },
    { artifactId: "other" },
    { fieldId: "pin2" },
    { responseId: "later" },
  ])
    expect(await openSecret(primitives, { ...place, ...other }, key, bytes)).toBeNull();
  const stranger = new Secret(primitives.randomBytes(32));
  expect(await openSecret(primitives, place, stranger, bytes)).toBeNull();
});

test("[C46] one flipped bit anywhere, or a cut, opens nothing", async () => {
  const bytes = await sealed("x");

  for (let at = 0; at < bytes.length; at += 7) {
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    expect(await openSecret(primitives, place, key, flipped)).toBeNull();
  }
  for (const size of [0, 31, 32, 33, bytes.length - 1])
    expect(await openSecret(primitives, place, key, bytes.slice(0, size))).toBeNull();
});

test("[C46] the length of a short secret does not show", async () => {
  const sizes = await Promise.all(["", "1234", "a".repeat(200)].map(sealed));

  expect(new Set(sizes.map(({ length }) => length)).size).toBe(1);
  expect((await sealed("a".repeat(300))).length).toBe((sizes[0]?.length ?? 0) + 256);
});
