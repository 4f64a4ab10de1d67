import { beforeAll, expect, test } from "vitest";
import { concat } from "#base/bytes.ts";
import { bytesToHex } from "#base/bytes.ts";
import { enc } from "#protocol/encoding.ts";
import { fingerprint } from "./identity.ts";
import {
  erasableKids,
  makePrekey,
  parsePrekey,
  PREKEY_LIFETIME_MS,
  shouldRotate,
  verifyPrekey,
} from "./prekeys.ts";
import { anEndpoint, createWorld, type Endpoint, START, type World } from "./vectors/people.ts";

const DAY = 86_400_000;
let world: World;
let agent: Endpoint;

beforeAll(async () => {
  world = await createWorld(4);
  agent = await anEndpoint(world, "agent");
});

const expected = (change = {}) => ({
  owner: agent.accountId,
  device: agent.deviceId,
  signingKey: agent.signer.publicKey,
  fingerprint: agent.fingerprint,
  mode: "session" as const,
  floor: 1 as const,
  now: START,
  ...change,
});

const verify = (certificate = agent.prekeys[1].certificate, change = {}) =>
  verifyPrekey(world.primitives, certificate, expected(change));

const refused = (reason: string) => ({
  ok: false,
  failure: { kind: "crypto/prekey-refused", reason },
});

const another = (change: object) =>
  makePrekey(world.primitives, {
    owner: agent.accountId,
    device: agent.deviceId,
    signer: agent.signer,
    fingerprint: agent.fingerprint,
    suite: 1,
    mode: "session",
    suiteFloor: 1,
    notBefore: START,
    notAfter: START + DAY,
    ...change,
  });

test("[C19] a certificate of either suite is accepted as it was made", async () => {
  for (const suite of [1, 2] as const) {
    const { certificate, prekey, kid } = agent.prekeys[suite];
    expect(await verify(certificate)).toEqual({ ok: true, value: prekey });
    expect(prekey.publicKey.length).toBe(suite === 1 ? 32 : 1216);
    expect(prekey.kid).toEqual(kid);
    expect(prekey.maxSession).toBe(64);
  }
});

test("[C2][C19] a certificate with any byte changed is refused", async () => {
  for (const suite of [1, 2] as const) {
    const { certificate } = agent.prekeys[suite];
    for (let at = 0; at < certificate.length; at++) {
      const bad = certificate.map((byte, i) => (i === at ? byte ^ 4 : byte));
      expect((await verify(bad)).ok, `byte ${at}`).toBe(false);
    }
  }
});

test("[C19][C24] a certificate of others, out of its time, mode or floor is refused", async () => {
  const { certificate } = agent.prekeys[1];
  const other = await anEndpoint(world, "agent");
  expect(await verify(certificate, { owner: other.accountId })).toEqual(refused("owner"));
  expect(await verify(certificate, { device: other.deviceId })).toEqual(refused("owner"));
  expect(await verify(certificate, { fingerprint: other.fingerprint })).toEqual(refused("owner"));
  const signingKey = other.signer.publicKey;
  expect(await verify(certificate, { signingKey })).toEqual(refused("signature"));
  expect(await verify(certificate, { mode: "envelope" })).toEqual(refused("mode"));
  expect(await verify(certificate, { floor: 2 })).toEqual(refused("floor"));
  const ownFloor = await another({ suiteFloor: 2 });
  expect(await verify(ownFloor.certificate)).toEqual(refused("floor"));
  expect(await verify(new Uint8Array(64))).toEqual(refused("malformed"));
});

test("[C19] a window is forgiven ten minutes of skew and never longer than its kind lives", async () => {
  const until = START + 14 * DAY;
  expect((await verify(undefined, { now: START - 600_000 })).ok).toBe(true);
  expect(await verify(undefined, { now: START - 600_001 })).toEqual(refused("window"));
  expect((await verify(undefined, { now: until + 600_000 })).ok).toBe(true);
  expect(await verify(undefined, { now: until + 600_001 })).toEqual(refused("window"));
  const long = await another({ notAfter: START + 60 * DAY + 1 });
  expect(await verify(long.certificate)).toEqual(refused("window"));
  const backwards = await another({ notAfter: START });
  expect(await verify(backwards.certificate)).toEqual(refused("window"));
  const year = await another({ notAfter: START + 366 * DAY, mode: "envelope" });
  expect((await verify(year.certificate, { mode: "envelope" })).ok).toBe(true);
});

test("[C2] a certificate is parsed only in its one form", async () => {
  const record = (fields: readonly number[], values: Record<number, number> = {}) =>
    concat(
      enc("prekey", ...fields.map((size, i) => new Uint8Array(size).fill(values[i] ?? 1))),
      new Uint8Array(64),
    );
  const widths = [16, 16, 16, 1, 32, 8, 8, 1, 1, 4, 32];
  const small = { 5: 0, 6: 0 };
  expect(parsePrekey(record(widths, small))).not.toBe(null);
  const bad = [
    record(widths, { ...small, 3: 3 }),
    record(widths, { ...small, 3: 2 }),
    record(widths, { ...small, 7: 3 }),
    record(widths, { ...small, 8: 0 }),
    record(widths, { ...small, 9: 0 }),
    record(widths, { ...small, 2: 0 }),
    record(widths, { 5: 255, 6: 0 }),
    record(widths, { 5: 0, 6: 255 }),
    record([...widths, 1], small),
    concat(record(widths, small), new Uint8Array(1)),
  ];
  expect(bad.map(parsePrekey)).toEqual(bad.map(() => null));
});

test("[C19] a prekey is renewed on its holder's clock", () => {
  const { prekey } = agent.prekeys[1];
  expect(shouldRotate(prekey, "agent", START + DAY - 1)).toBe(false);
  expect(shouldRotate(prekey, "agent", START + DAY)).toBe(true);
  expect(shouldRotate(prekey, "browser", START + 7 * DAY - 1)).toBe(false);
  expect(shouldRotate(prekey, "browser", START + 7 * DAY)).toBe(true);
  expect(shouldRotate(prekey, "envelope-agent", START + 300 * DAY)).toBe(false);
  expect(PREKEY_LIFETIME_MS.browser.usable).toBe(60 * DAY);
});

test("[C19] a private half is due for erasure 48 hours after its successor, never before", () => {
  const [a, b, c] = [world.random(16), world.random(16), world.random(16)];
  const held = [
    { kid: a, supersededAt: START },
    { kid: b, supersededAt: START + 1 },
    { kid: c, supersededAt: null },
  ];
  expect(erasableKids(held, START + 2 * DAY)).toEqual([a]);
});

test("[C5] each prekey has keys of its own", async () => {
  const [one, two] = [await another({}), await another({})];
  expect(one.kid).not.toEqual(two.kid);
  expect(one.privateKey.reveal()).not.toEqual(two.privateKey.reveal());
  expect(JSON.stringify(one)).not.toContain(bytesToHex(one.privateKey.reveal()));
  expect(JSON.stringify(one.privateKey)).toBe('"«secret»"');
});

test("[C4] a fingerprint binds an identity key to its account", async () => {
  const other = await anEndpoint(world, "agent");
  const own = fingerprint(world.primitives, agent.accountId, agent.identity.publicKey);
  expect(own).toEqual(agent.fingerprint);
  expect(own.length).toBe(32);
  const crossed = fingerprint(world.primitives, other.accountId, agent.identity.publicKey);
  expect(crossed).not.toEqual(own);
});
