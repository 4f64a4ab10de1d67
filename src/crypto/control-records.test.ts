import { beforeAll, expect, test } from "vitest";
import type { Bytes } from "#base/bytes.ts";
import { concat } from "#base/bytes.ts";
import { type ConversationId, makeId } from "#protocol/ids.ts";
import {
  makeBeat,
  makeClose,
  makeNotice,
  verifyBeat,
  verifyClose,
  verifyNotice,
} from "./control-records.ts";
import { anEndpoint, createWorld, type Endpoint, START, type World } from "./vectors/people.ts";

let world: World;
let human: Endpoint;
let conversationId: ConversationId;

beforeAll(async () => {
  world = await createWorld(6);
  human = await anEndpoint(world, "human");
  conversationId = makeId<ConversationId>(START, world.random);
});

const progress = (count: number) => ({ sid: world.random(16), count, lastHash: world.random(32) });
const refused = { ok: false, failure: { kind: "crypto/control-refused" } };

/** The record verifies, and with any byte changed, cut or added it does not. */
async function expectSealed<Control>(
  bytes: Bytes,
  verify: (bytes: Bytes, key: Bytes) => Promise<unknown>,
  control: Control,
) {
  const key = human.signer.publicKey;
  expect(await verify(bytes, key)).toEqual({ ok: true, value: control });
  for (let at = 0; at < bytes.length; at++) {
    const bad = bytes.map((byte, i) => (i === at ? byte ^ 0x81 : byte));
    expect(await verify(bad, key), `byte ${at}`).toEqual(refused);
  }
  expect(await verify(bytes.slice(1), key)).toEqual(refused);
  expect(await verify(concat(bytes, new Uint8Array(1)), key)).toEqual(refused);
  expect(await verify(bytes, human.identity.publicKey)).toEqual(refused);
}

test("[C17] a close says how many messages a session has, signed by its device", async () => {
  const close = { conversationId, ...progress(3), createdAt: START };
  const bytes = await makeClose(world.primitives, close, human.signer);
  await expectSealed(bytes, (b, key) => verifyClose(world.primitives, b, key), close);
});

test("[C31] a heartbeat says how far each session of a writer has come", async () => {
  const sessions = [progress(1), progress(64)];
  const beat = { conversationId, writer: world.random(16), sessions, createdAt: START };
  const bytes = await makeBeat(world.primitives, beat, human.signer);
  await expectSealed(bytes, (b, key) => verifyBeat(world.primitives, b, key), beat);
  const silent = { ...beat, sessions: [] };
  const none = await makeBeat(world.primitives, silent, human.signer);
  const key = human.signer.publicKey;
  expect(await verifyBeat(world.primitives, none, key)).toEqual({ ok: true, value: silent });
  const crowd = { ...beat, sessions: Array.from({ length: 65 }, () => progress(1)) };
  const many = await makeBeat(world.primitives, crowd, human.signer);
  expect(await verifyBeat(world.primitives, many, key)).toEqual(refused);
});

test("[C28] a notice names the message, the device and the key it does not hold", async () => {
  const notice = {
    conversationId,
    messageId: world.messageId(),
    deviceId: human.deviceId,
    kid: world.random(16),
  };
  const bytes = await makeNotice(world.primitives, notice, human.signer);
  await expectSealed(bytes, (b, key) => verifyNotice(world.primitives, b, key), notice);
});

test("[C4] a record of one kind is no record of another", async () => {
  const close = { conversationId, ...progress(3), createdAt: START };
  const bytes = await makeClose(world.primitives, close, human.signer);
  const key = human.signer.publicKey;
  expect(await verifyBeat(world.primitives, bytes, key)).toEqual(refused);
  expect(await verifyNotice(world.primitives, bytes, key)).toEqual(refused);
});
