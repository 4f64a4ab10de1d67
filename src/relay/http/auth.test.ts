import { randomBytes, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { AgentId, DeviceId, UserId } from "#protocol/ids.ts";
import { deviceChallengeText } from "#protocol/rest.ts";
import { hashOf } from "../ledger-head.ts";
import { aBackup, aPersonWithAPassword, ARGON2, cookieOf } from "../password-steps.contract.ts";
import {
  aLedger,
  aLedgerEntry,
  anId,
  aRegistration,
  aWorld,
  openSocket,
  text64,
  type Person,
  type Socket,
  type World,
} from "../relay-world.contract.ts";
import { aSecondDevice } from "../rest-steps.contract.ts";

describe("signing in", () => {
  test("[P3] ids the client made are refused when they are taken", async () => {
    const world = await aWorld();
    const { request } = aRegistration("ada");
    await world.rest("POST", "/auth/register", null, request);
    const other = aRegistration("bob").request;

    const again = await world.rest("POST", "/auth/register", null, { ...request, handle: "ada2" });
    const sameHandle = await world.rest("POST", "/auth/register", null, {
      ...other,
      handle: "ada",
    });

    expect([again.body.error.code, sameHandle.body.error.code]).toEqual([
      "ID_TAKEN",
      "HANDLE_TAKEN",
    ]);
  });

  const challengeFor = async (world: World, device_id: DeviceId): Promise<string> =>
    (await world.rest("POST", "/auth/challenge", null, { device_id })).body.data.challenge;

  /** The status of a login by a device's key; what is signed may be said otherwise. */
  async function loginStatus(
    world: World,
    person: Person,
    challenge: string,
    told: { origin?: string; userId?: UserId; deviceId?: DeviceId; challenge?: string } = {},
    key = person.deviceKey,
  ): Promise<number> {
    const text = deviceChallengeText({
      origin: world.url(),
      userId: person.id as UserId,
      deviceId: person.deviceId,
      challenge,
      ...told,
    });
    const signature = text64(sign(null, Buffer.from(text), key));
    const login = { device_id: person.deviceId, challenge, signature };
    return (await world.rest("POST", "/auth/device", null, login)).status;
  }

  test("[P24] a device signs in by its key, each challenge once, right or wrong", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");

    const token = await world.renew(ada);

    expect((await world.rest("GET", "/auth/me", token)).body.data).toMatchObject({
      handle: "ada",
      device_id: ada.deviceId,
    });
    const [right, wrong] = [
      await challengeFor(world, ada.deviceId),
      await challengeFor(world, ada.deviceId),
    ];
    expect(await loginStatus(world, ada, right)).toBe(200);
    expect(await loginStatus(world, ada, right)).toBe(401);
    expect(await loginStatus(world, ada, wrong, { origin: "https://elsewhere.example" })).toBe(401);
    expect(await loginStatus(world, ada, wrong)).toBe(401);
  });

  test("[P24] a login is by the device's own key over its origin, person, device and challenge", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const fresh = () => challengeFor(world, ada.deviceId);
    const statuses = [
      await loginStatus(world, ada, await fresh(), { userId: bob.id as UserId }),
      await loginStatus(world, ada, await fresh(), { deviceId: bob.deviceId }),
      await loginStatus(world, ada, await fresh(), { challenge: await fresh() }),
      await loginStatus(world, ada, await fresh(), {}, bob.deviceKey),
      await loginStatus(world, ada, await challengeFor(world, bob.deviceId)),
      await loginStatus(world, ada, text64(randomBytes(32))),
    ];
    expect(statuses).toEqual(statuses.map(() => 401));
    expect(await loginStatus(world, ada, await fresh())).toBe(200);
  });

  test("[P24] a challenge lives for a minute, and a removed device's is worth nothing", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const [young, old, kept] = [
      await challengeFor(world, ada.deviceId),
      await challengeFor(world, ada.deviceId),
      await challengeFor(world, ada.deviceId),
    ];

    await world.clock.advance(59_000);
    expect(await loginStatus(world, ada, young)).toBe(200);
    await world.clock.advance(2_000);
    expect(await loginStatus(world, ada, old)).toBe(401);
    expect(await loginStatus(world, ada, kept)).toBe(401);
    const last = await challengeFor(world, ada.deviceId);
    await world.rest("DELETE", `/users/me/devices/${ada.deviceId}`, ada.token);
    expect(await loginStatus(world, ada, last)).toBe(401);
  });

  test("[P21] [P22] a new browser logs in by password and enrols itself", async () => {
    const world = await aWorld();
    const { auth_key, request } = await aPersonWithAPassword(world, "ada");
    const login = await world.rest("POST", "/auth/login", null, { handle: "ada", auth_key });
    const token: string = login.body.data.access_token;
    expect(login.body.data.device_id).toBeNull();
    expect((await world.rest("GET", "/users/me", token)).status).toBe(403);

    const before = (await world.rest("GET", `/keys/ledger/${request.user_id}`, token)).body.data;
    const head = aLedger(0, request.user_id, 2)[1];
    const entry = aLedgerEntry(0, request.user_id, 2, head ?? null);
    const { device } = aRegistration("x").request;
    const enrolled = await world.rest("POST", "/users/me/devices", token, {
      device: { ...device, certificate: text64(entry) },
      ledger_seq: before.length,
      prev_hash: text64(hashOf(head ?? new Uint8Array())),
    });

    expect(enrolled.body.data.device_id).toBe(device.device_id);
    const me = await world.rest("GET", "/users/me", enrolled.body.data.access_token);
    expect(me.body.data).toMatchObject({ handle: "ada", has_password: true });
  });

  test("[P16] five failures lock a known and an unknown handle alike, and a device still gets in", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const attempt = async (handle: string) => {
      const answer = await world.rest("POST", "/auth/login", null, {
        handle,
        auth_key: text64(randomBytes(32)),
      });
      return [answer.status, answer.body.error.code];
    };

    const outcomes = new Map<string, unknown[]>();
    for (const handle of ["ada", "nobody"]) {
      const seen = [];
      for (let i = 0; i < 6; i++) seen.push(await attempt(handle));
      outcomes.set(handle, seen);
    }

    expect(outcomes.get("ada")).toEqual([
      ...Array(5).fill([401, "INVALID_CREDENTIALS"]),
      [423, "ACCOUNT_LOCKED"],
    ]);
    expect(outcomes.get("nobody")).toEqual(outcomes.get("ada"));
    expect((await world.rest("GET", "/auth/me", await world.renew(ada))).status).toBe(200);
    await world.clock.advance(900_000);
    expect(await attempt("ada")).toEqual([401, "INVALID_CREDENTIALS"]);
  });

  test("[P16] wrong passwords count wherever they are tried, and the lock says how long it lasts", async () => {
    const world = await aWorld();
    const { auth_key, registered } = await aPersonWithAPassword(world, "ada");
    const token: string = registered.body.data.access_token;
    const wrong = text64(randomBytes(32));
    const change = () =>
      world.rest("POST", "/auth/change-protection-password", token, {
        auth_key: wrong,
        new_auth_key: wrong,
        argon2_salt: wrong,
        argon2_params: ARGON2,
        backup: aBackup(registered.body.data.device_id),
      });

    const codes = [];
    for (let i = 0; i < 5; i++) codes.push((await change()).body.error.code);
    const login = await world.rest("POST", "/auth/login", null, { handle: "ada", auth_key });

    expect(codes).toEqual(Array(5).fill("INVALID_CREDENTIALS"));
    expect([login.status, login.headers.get("retry-after")]).toEqual([423, "900"]);
    expect((await change()).body.error.code).toBe("ACCOUNT_LOCKED");
    expect((await world.rest("GET", "/auth/me", token)).status).toBe(200);
  });

  test("[P16] wrong passwords in a row are counted: the right one begins anew", async () => {
    const world = await aWorld();
    const { auth_key } = await aPersonWithAPassword(world, "ada");
    const attempt = async (key: string) =>
      (await world.rest("POST", "/auth/login", null, { handle: "ada", auth_key: key })).status;
    const wrong = text64(randomBytes(32));

    const statuses = [];
    for (const key of [wrong, wrong, wrong, wrong, auth_key, wrong, auth_key])
      statuses.push(await attempt(key));

    expect(statuses).toEqual([401, 401, 401, 401, 200, 401, 200]);
  });

  test("[P278] the 31st login of an address in ten minutes waits, whatever the handle", async () => {
    const world = await aWorld();
    const statuses = new Set<number>();
    for (let i = 0; i < 30; i++) {
      const login = { handle: `person_${i}`, auth_key: text64(randomBytes(32)) };
      statuses.add((await world.rest("POST", "/auth/login", null, login)).status);
    }

    const late = await world.rest("POST", "/auth/login", null, {
      handle: "late",
      auth_key: text64(randomBytes(32)),
    });

    expect([...statuses]).toEqual([401]);
    expect(late.status).toBe(429);
  });

  test("[P16] an unknown handle has the same made-up salt every time", async () => {
    const world = await aWorld();
    const salt = async (handle: string) =>
      (await world.rest("POST", "/auth/params", null, { handle })).body.data.argon2_salt;

    expect(await salt("nobody")).toBe(await salt("nobody"));
    expect(await salt("nobody")).not.toBe(await salt("nobody2"));
  });

  test("[P15] a refresh token changes at each use; an old one shown late ends the session", async () => {
    const world = await aWorld();
    const { registered } = await aPersonWithAPassword(world, "ada");
    const first = cookieOf(registered.headers);
    expect(registered.headers.get("set-cookie")).toMatch(
      /HttpOnly.*SameSite=Strict|SameSite=Strict.*HttpOnly/,
    );
    const refresh = (cookie: string) =>
      world.rest("POST", "/auth/refresh", null, undefined, { cookie });

    const second = cookieOf((await refresh(first)).headers);
    expect(second).not.toBe(first);
    expect((await refresh(first)).status).toBe(200);
    await world.clock.advance(31_000);

    expect((await refresh(first)).status).toBe(401);
    expect((await refresh(second)).status).toBe(401);
  });

  test("[P85] a socket is warned once a minute before its token ends, renewed in place, or closed with 4003", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const [renewed, forgotten] = [await world.online(ada), await world.online(ada)];
    const both = [renewed, forgotten];
    /** Seconds pass; who is open says something now and then. */
    const pass = async (seconds: number, sockets: readonly Socket[]): Promise<void> => {
      for (let left = seconds; left > 0; left -= 60) {
        await world.clock.advance(Math.min(left, 60) * 1_000);
        for (const socket of sockets) await socket.settle();
      }
    };

    await pass(239, both);
    expect(both.flatMap((socket) => socket.seen("auth.expiring"))).toEqual([]);
    await pass(1, both);
    for (const socket of both)
      expect(await socket.next("auth.expiring")).toMatchObject({ expires_in_seconds: 60 });
    await pass(10, both);
    renewed.send({ type: "auth.renew", access_token: await world.renew(ada) });
    expect(await renewed.next("auth.ok")).toMatchObject({ user_id: ada.id });
    await pass(49, both);
    expect(both.flatMap((socket) => socket.seen("auth.expiring"))).toEqual([]);
    await pass(1, [renewed]);
    expect((await forgotten.closed()).code).toBe(4003);

    // Renewed after 250 s: its new token ends after 550.
    await pass(190, [renewed]);
    expect(await renewed.next("auth.expiring")).toMatchObject({ expires_in_seconds: 60 });
    await pass(60, []);
    expect((await renewed.closed()).code).toBe(4003);
  });

  test("[P85] a socket is renewed by a token of its own person and device alone", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const phone = await aSecondDevice(world, ada);
    for (const access_token of [bob.token, phone.token, "no token"]) {
      const socket = await world.online(ada);
      socket.send({ type: "auth.renew", access_token });
      expect((await socket.closed()).code).toBe(4002);
    }
    const socket = await world.online(ada);
    socket.send({ type: "auth.renew", access_token: await world.renew(ada) });
    expect(await socket.next("auth.ok")).toMatchObject({ device_id: ada.deviceId });
  });

  /** What a socket is told whose first frame is this, and how it is closed. */
  async function refusalOf(world: World, path: "human" | "agent", auth: object) {
    const socket = await openSocket(`${world.url().replace("http", "ws")}/ws/${path}`, world.url());
    socket.send({ type: "auth", token: "", ...auth });
    const { reason, i18n_key } = await socket.next("auth.error");
    expect(i18n_key).toBe(`error.auth.${reason}`);
    return [reason, await socket.closed()];
  }

  test("[P84] a wrong token is answered by its reason and a close", async () => {
    const world = await aWorld();
    const token = `hsk_${"x".repeat(40)}`;

    const refused = await refusalOf(world, "agent", { token });

    expect(refused).toEqual(["invalid_token", { code: 4002, reason: "AUTH_FAILED" }]);
  });

  test("[P84] each reason has the close that belongs to it, and a path takes its own kind's tokens alone", async () => {
    const world = await aWorld();
    const [ada, echo, other] = [
      await world.person("ada"),
      await world.agent(),
      await world.agent(),
    ];
    const { auth_key } = await aPersonWithAPassword(world, "bob");
    const login = await world.rest("POST", "/auth/login", null, { handle: "bob", auth_key });
    const polling = await world.rest("POST", "/agents", ada.token, {
      display_name: "Poll",
      connection_mode: "polling",
    });
    const unknown = { agent_id: anId<AgentId>(), token: "none" };
    const reasons = async (
      cases: readonly (readonly ["human" | "agent", object])[],
    ): Promise<unknown[]> => {
      const told = [];
      for (const [path, auth] of cases) {
        const [reason, closed] = await refusalOf(world, path, auth);
        told.push([reason, (closed as { code: number }).code]);
      }
      return told;
    };

    expect(
      await reasons([
        ["human", { token: echo.token }],
        ["agent", { token: ada.token }],
        ["agent", { token: echo.token, agent_id: other.id }],
        ["agent", unknown],
        ["agent", { token: polling.body.data.token }],
        ["human", { token: ada.token, protocol: "parley-9" }],
        ["human", { token: login.body.data.access_token }],
      ]),
    ).toEqual([
      ["invalid_token", 4002],
      ["invalid_token", 4002],
      ["invalid_token", 4002],
      ["unknown_agent", 4004],
      ["wrong_mode", 4012],
      ["unsupported_protocol", 4015],
      ["revoked", 4006],
    ]);
    await world.clock.advance(301_000);
    expect(await reasons([["human", { token: ada.token }]])).toEqual([["expired_token", 4003]]);
  });

  test("[P33] a removed device's socket is told, closed, and its token worth nothing", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const bob = await world.person("bob");
    const socket = await world.online(ada);
    const path = `/users/me/devices/${ada.deviceId}`;

    expect((await world.rest("DELETE", path, bob.token)).status).toBe(404);
    expect((await world.rest("GET", "/auth/me", ada.token)).status).toBe(200);
    await world.rest("DELETE", path, ada.token);

    expect((await socket.next("session.invalidated")).reason).toBe("device_removed");
    expect((await socket.closed()).code).toBe(4006);
    expect((await world.rest("GET", "/auth/me", ada.token)).status).toBe(401);
  });

  test("[R46] the sockets that end with a session are that session's, a device's, or all others'", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const first = ada.token;
    const second = await world.renew(ada);
    const third = await world.renew(ada);
    const at = (token: string) => world.online({ ...ada, token });
    const [one, two, three] = [await at(first), await at(second), await at(third)];
    const bob = await world.online(await world.person("bob"));

    await world.rest("POST", "/auth/logout", first);
    expect((await one.closed()).code).toBe(4006);
    for (const socket of [two, three]) await socket.settle();
    const changed = await world.rest("POST", "/auth/change-protection-password", third, {
      auth_key: null,
      new_auth_key: text64(randomBytes(32)),
      argon2_salt: text64(randomBytes(32)),
      argon2_params: ARGON2,
      backup: aBackup(ada.deviceId),
    });
    expect(changed.status).toBe(200);
    expect((await two.next("session.invalidated")).reason).toBe("password_changed");
    await three.settle();
    const device = await aSecondDevice(world, { ...ada, token: third });
    const elsewhere = await world.online(device);
    await world.rest("DELETE", `/users/me/devices/${device.deviceId}`, third);
    expect((await elsewhere.closed()).code).toBe(4006);
    for (const socket of [three, bob]) await socket.settle();

    expect(three.seen("session.invalidated")).toEqual([]);
  });

  test("[P27] a first password needs no old one; a change needs it and ends other sessions", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const key = () => text64(randomBytes(32));
    const backup = aBackup(ada.deviceId);
    const change = (auth_key: string | null, new_auth_key: string, token: string) =>
      world.rest("POST", "/auth/change-protection-password", token, {
        auth_key,
        new_auth_key,
        argon2_salt: key(),
        argon2_params: ARGON2,
        backup,
      });
    const password = key();
    const older = ada.token;
    const newer = await world.renew(ada);

    expect((await change(key(), password, newer)).body.error.code).toBe("INVALID_CREDENTIALS");
    expect((await change(null, password, newer)).status).toBe(200);
    expect((await change(key(), key(), newer)).body.error.code).toBe("INVALID_CREDENTIALS");
    expect((await change(null, key(), newer)).body.error.code).toBe("INVALID_CREDENTIALS");

    expect((await world.rest("GET", "/auth/me", older)).status).toBe(401);
    expect((await world.rest("GET", "/keys/backup", newer)).body.data).toEqual(backup);
    const login = await world.rest("POST", "/auth/login", null, {
      handle: "ada",
      auth_key: password,
    });
    expect(login.body.data.backup).toEqual(backup);
  });

  test("[P17] a closed relay takes nobody, one by invite only those with its code", async () => {
    const { request } = aRegistration("ada");
    const closed = await aWorld({ registration: { policy: "closed", code: null } });
    const invited = await aWorld({ registration: { policy: "invite", code: "sesame" } });

    expect((await closed.rest("POST", "/auth/register", null, request)).body.error.code).toBe(
      "REGISTRATION_CLOSED",
    );
    expect((await invited.rest("POST", "/auth/register", null, request)).status).toBe(403);
    const withCode = { ...request, registration_code: "sesame" };
    expect((await invited.rest("POST", "/auth/register", null, withCode)).status).toBe(201);
  });

  test("[P277] [P8] the eleventh registration of an address in ten minutes waits", async () => {
    const world = await aWorld();
    for (let i = 0; i < 10; i++) await world.person(`person_${i}`);

    const answer = await world.rest("POST", "/auth/register", null, aRegistration("late").request);

    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get("retry-after"))).toBe(answer.body.error.params.retry_after);
  });
});
