import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { base64UrlToBytes } from "#base/base64.ts";
import { concat, type Bytes } from "#base/bytes.ts";
import { enc, u64, u8 } from "#protocol/encoding.ts";
import { uuidToBytes, type DeviceId, type UserId } from "#protocol/ids.ts";
import { identityChallengeText } from "#protocol/rest.ts";
import { hashOf } from "../ledger-head.ts";
import { aBackup, ARGON2 } from "../password-steps.contract.ts";
import {
  aLedger,
  aRegistration,
  aWorld,
  anId,
  text64,
  type World,
} from "../relay-world.contract.ts";

const random64 = (sizeBytes: number): string => text64(randomBytes(sizeBytes));
const aWay = () => ({ method_id: random64(16), auth_key: random64(32) });
type Way = ReturnType<typeof aWay>;

function aKey() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  return { publicBytes: base64UrlToBytes(x) ?? new Uint8Array(), privateKey };
}

/** Ada, whose identity key the test holds. */
async function setup(handle = "ada") {
  const world = await aWorld();
  const { publicBytes, privateKey } = aKey();
  const { request } = aRegistration(handle);
  const registered = await world.rest("POST", "/auth/register", null, {
    ...request,
    identity_key: text64(publicBytes),
  });
  const token: string = registered.body.data.access_token;
  const put = (method: "recovery-code" | "passkey", way: Way, wrap: string | null = null) =>
    world.rest("PUT", "/keys/ways", token, { method, ...way, wrap });
  return { world, token, userId: request.user_id, request, privateKey, put };
}

const challengeFor = async (world: World, id: string): Promise<string> =>
  (await world.rest("POST", "/auth/challenge", null, { device_id: id })).body.data.challenge;

async function getIn(
  world: World,
  userId: UserId,
  key: KeyObject,
  way: Way,
  challenge: string | null = null,
) {
  const asked = challenge ?? (await challengeFor(world, userId));
  const text = identityChallengeText({ origin: world.url(), userId, challenge: asked });
  const signature = text64(sign(null, Buffer.from(text), key));
  return world.rest("POST", "/auth/identity", null, {
    user_id: userId,
    challenge: asked,
    signature,
    way,
  });
}

describe("getting in by identity and recovery code", () => {
  test("[P29] [P290] takes the newest code; the one before is worth nothing from then on", async () => {
    const { world, userId, privateKey, put } = await setup();
    const [older, newer] = [aWay(), aWay()];
    await put("recovery-code", older);
    expect((await getIn(world, userId, privateKey, older)).status).toBe(200);

    await put("recovery-code", newer);

    expect((await getIn(world, userId, privateKey, older)).status).toBe(401);
    const login = await getIn(world, userId, privateKey, newer);
    expect(login.body.data.device_id).toBeNull();
    const token: string = login.body.data.access_token;
    expect((await world.rest("GET", "/users/me", token)).status).toBe(403);
    expect((await world.rest("PUT", "/keys/ways", token, {})).status).toBe(403);
  });

  test("[P29] tells a stranger's id, a wrong key, a wrong code and a passkey shown as a code apart by nothing", async () => {
    const { world, userId, privateKey, put } = await setup();
    const [code, passkey] = [aWay(), aWay()];
    await put("recovery-code", code);
    await put("passkey", passkey, random64(104));
    const stranger = aKey().privateKey;

    const answers = [
      await getIn(world, anId<UserId>(), stranger, code),
      await getIn(world, userId, stranger, code),
      await getIn(world, userId, privateKey, aWay()),
      await getIn(world, userId, privateKey, { ...code, auth_key: random64(32) }),
      await getIn(world, userId, privateKey, passkey),
    ];

    const faces = answers.map(({ status, body }) => JSON.stringify([status, body]));
    expect(new Set(faces).size).toBe(1);
    expect(answers[0]?.status).toBe(401);
    expect(answers.every(({ headers }) => headers.get("set-cookie") === null)).toBe(true);
  });

  test("[P29] takes a challenge once, and only one that was asked for under this id", async () => {
    const { world, userId, privateKey, put } = await setup();
    const code = aWay();
    await put("recovery-code", code);
    const used = await challengeFor(world, userId);
    const foreign = await challengeFor(world, anId<DeviceId>());
    const late = await challengeFor(world, userId);

    expect((await getIn(world, userId, privateKey, code, used)).status).toBe(200);
    expect((await getIn(world, userId, privateKey, code, used)).status).toBe(401);
    expect((await getIn(world, userId, privateKey, code, foreign)).status).toBe(401);
    await world.clock.advance(61_000);
    expect((await getIn(world, userId, privateKey, code, late)).status).toBe(401);
  });

  test("[P278] [P29] waits after thirty tries of an address in ten minutes", async () => {
    const { world, userId, privateKey } = await setup();
    const statuses: number[] = [];
    for (let i = 0; i < 31; i++) {
      const text = identityChallengeText({ origin: "", userId, challenge: "" });
      const signature = text64(sign(null, Buffer.from(text), privateKey));
      const body = { user_id: userId, challenge: random64(32), signature, way: aWay() };
      statuses.push((await world.rest("POST", "/auth/identity", null, body)).status);
    }

    expect(statuses).toEqual([...Array(30).fill(401), 429]);
  });

  test("[P292] follows the identity that the account's ledger rotated to", async () => {
    const { world, userId, token, privateKey, put } = await setup();
    const code = aWay();
    await put("recovery-code", code);
    const next = aKey();
    const head = aLedger(0, userId, 2)[1] ?? new Uint8Array();

    const posted = await world.rest("POST", `/keys/ledger/${userId}`, token, {
      ledger_seq: 2,
      prev_hash: text64(hashOf(head)),
      entry: text64(aRotation(userId, 2, head, next.publicBytes)),
    });

    expect(posted.status).toBe(201);
    expect((await getIn(world, userId, privateKey, code)).status).toBe(401);
    expect((await getIn(world, userId, next.privateKey, code)).status).toBe(200);
    const keys = await world.rest("GET", `/keys/users/${userId}/devices`, token);
    expect(keys.body.data.identity_key).toBe(text64(next.publicBytes));
  });
});

function aRotation(userId: UserId, seq: number, before: Bytes, key: Uint8Array): Bytes {
  const zero = new Uint8Array(16);
  const data = concat(key, new Uint8Array(64));
  const fields = [u8(0), uuidToBytes(userId), u64(seq), hashOf(before), zero, zero, u8(4), zero];
  return concat(enc("grant", ...fields, data, u64(0), u64(0)), new Uint8Array(64));
}

describe("ways into an account", () => {
  test("[P290] a passkey gives the backup, its own wrap and a token to enrol, until it is removed", async () => {
    const { world, userId, token, request, put } = await setup();
    const passkey = aWay();
    const wrap = random64(104);
    const backup = { ...aBackup(request.device.device_id), backup_version: 1 };
    await world.rest("PUT", "/keys/backup", token, backup);
    await put("passkey", passkey, wrap);
    const show = (way: Way) => world.rest("POST", "/auth/prf", null, { user_id: userId, way });

    const login = await show(passkey);

    expect(login.body.data).toMatchObject({ handle: "ada", device_id: null, wrap, backup });
    expect((await show({ ...passkey, auth_key: random64(32) })).status).toBe(401);
    const code = aWay();
    await put("recovery-code", code);
    expect((await show(code)).status).toBe(401);
    await world.rest("DELETE", `/keys/ways?method_id=${encodeURIComponent(code.method_id)}`, token);
    const listed = (await world.rest("GET", "/keys/ways", token)).body.data;
    expect(listed).toEqual([
      { method: "passkey", method_id: passkey.method_id, created_at: expect.any(String) },
    ]);
    const path = `/keys/ways?method_id=${encodeURIComponent(passkey.method_id)}`;
    expect((await world.rest("DELETE", path, token)).status).toBe(200);
    expect((await world.rest("DELETE", path, token)).status).toBe(404);
    expect((await show(passkey)).status).toBe(401);
  });

  test("[P290] the ninth passkey is refused", async () => {
    const { put } = await setup();
    for (let i = 0; i < 8; i++) expect((await put("passkey", aWay())).status).toBe(200);

    expect((await put("passkey", aWay())).body.error.code).toBe("PASSKEY_LIMIT");
  });

  test("[P291] a way stands in for a forgotten password; a new generation ends passkeys", async () => {
    const { world, userId, token, request, put } = await setup();
    const backup = { ...aBackup(request.device.device_id), backup_version: 1 };
    const set = (auth_key: string | null, way: Way | null, change: object = {}) =>
      world.rest("POST", "/auth/change-protection-password", token, {
        auth_key,
        way,
        new_auth_key: random64(32),
        argon2_salt: random64(32),
        argon2_params: ARGON2,
        backup: { ...backup, ...change },
      });
    expect((await set(null, null)).status).toBe(200);
    const [code, passkey] = [aWay(), aWay()];
    await put("recovery-code", code);
    await put("passkey", passkey);

    expect((await set(null, null)).status).toBe(401);
    expect((await set(null, { ...code, auth_key: random64(32) })).status).toBe(401);
    expect((await set(null, code)).status).toBe(200);
    const show = () => world.rest("POST", "/auth/prf", null, { user_id: userId, way: passkey });
    expect((await show()).status).toBe(200);
    expect((await set(null, passkey, { backup_version: 2, bk_gen: 2 })).status).toBe(200);
    expect((await show()).status).toBe(401);
  });

  test("[P16] [P291] wrong ways count like wrong passwords", async () => {
    const { world, token, request } = await setup();
    const attempt = () =>
      world.rest("POST", "/auth/change-protection-password", token, {
        auth_key: null,
        way: aWay(),
        new_auth_key: random64(32),
        argon2_salt: random64(32),
        argon2_params: ARGON2,
        backup: aBackup(request.device.device_id),
      });
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await attempt()).status);

    expect(statuses).toEqual([401, 401, 401, 401, 401, 423]);
  });
});
