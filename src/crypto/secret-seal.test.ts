import { expect, test } from "vitest";
import { concat, utf8, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { enc } from "#protocol/encoding.ts";
import { parseId, uuidToBytes, type AccountId, type ConversationId } from "#protocol/ids.ts";
import { hpkeSeal } from "./hpke.ts";
import { LABEL } from "./labels.ts";
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

/** As a sender pads who keeps to no rule: sealed for the place, so many bytes of `fill` behind the text. */
async function paddedBy(pad: Bytes, text = "1234"): Promise<Bytes> {
  const info = enc(
    LABEL.formSecret,
    uuidToBytes(place.conversationId),
    uuidToBytes(place.senderId),
    uuidToBytes(place.agentId),
    place.agentFingerprint,
    utf8(place.artifactId),
    utf8(place.fieldId),
    utf8(place.responseId),
  );
  const plain = enc(LABEL.formSecretPlaintext, utf8(text), pad);
  const result = await hpkeSeal(primitives, 0x01, cardKey, info, new Uint8Array(), plain);
  assert(result.ok, "it seals");
  return concat(result.value.enc, result.value.ciphertext);
}

test("[C46] a secret opens only as long as a step of 256 bytes makes it, and padded with zeros", async () => {
  const bareSize = enc(LABEL.formSecretPlaintext, utf8("1234"), new Uint8Array()).length;
  const open = async (pad: Bytes) => openSecret(primitives, place, key, await paddedBy(pad));

  expect(await open(new Uint8Array(256 - bareSize))).toBe("1234");
  for (const off of [-1, 1, 128])
    expect(await open(new Uint8Array(256 - bareSize + off))).toBeNull();
  // A step more than it needs would tell it from others of its length.
  expect(await open(new Uint8Array(512 - bareSize))).toBeNull();
  const marked = new Uint8Array(256 - bareSize);
  marked[100] = 1;
  expect(await open(marked)).toBeNull();
});

test("[C46] the length of a short secret does not show", async () => {
  const sizes = await Promise.all(["", "1234", "a".repeat(200)].map(sealed));

  expect(new Set(sizes.map(({ length }) => length)).size).toBe(1);
  expect((await sealed("a".repeat(300))).length).toBe((sizes[0]?.length ?? 0) + 256);
});
